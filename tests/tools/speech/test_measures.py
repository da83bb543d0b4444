"""The measures, against sounds whose answer is known."""

from __future__ import annotations

import pytest

np = pytest.importorskip("numpy", reason="needs the extra `speech`")
pytest.importorskip("scipy", reason="needs the extra `speech`")


@pytest.mark.parametrize("rate", [16000, 22050, 48000])
def test_loudness_of_the_reference_tone(rate: int) -> None:
    from tools.speech.loudness import loudness

    # BS.1770-4: a full-scale sine of 997 Hz in one channel reads -3.01.
    tone = np.sin(2 * np.pi * 997 * np.arange(5 * rate) / rate)
    assert loudness(tone, rate) == pytest.approx(-3.01, abs=0.05)
    assert loudness(tone / 10, rate) == pytest.approx(-23.01, abs=0.05)
    assert loudness(np.concatenate([tone, np.zeros(20 * rate)]), rate) == pytest.approx(-3.01, abs=0.3)
    assert loudness(np.zeros(rate), rate) == -70


def test_the_limiter_keeps_peaks_down() -> None:
    from tools.speech.loudness import loudness, to_loudness

    generator = np.random.default_rng(0)
    speech = generator.normal(size=22050 * 4) * 0.02
    speech[generator.integers(0, len(speech), 3)] = 0.9
    made = to_loudness(speech, 22050)
    assert np.abs(made).max() <= 10 ** (-1.5 / 20) + 1e-9
    assert loudness(made, 22050) == pytest.approx(-19, abs=2.5)


@pytest.mark.parametrize("height", [75.0, 110.0, 180.0, 260.0, 340.0])
def test_pitch_of_pulses(height: float) -> None:
    from tools.speech.measures import pitch

    rate = 16000
    phase = np.cumsum(np.full(rate * 2, height / rate))
    pulses = np.diff(np.floor(phase), prepend=0)
    voice = np.convolve(pulses, np.exp(-np.arange(200) / 30) * np.cos(np.arange(200) * 0.4))[: len(pulses)]
    assert pitch(voice, rate) == pytest.approx(height, rel=0.01)


def test_noise_has_no_pitch_and_spectra_ignore_level() -> None:
    from tools.speech.measures import pitch, semitones, spectrum, spectrum_distance

    noise = np.random.default_rng(0).normal(size=32000) * 0.1
    assert pitch(noise, 16000) == 0.0
    assert spectrum_distance(spectrum(noise, 16000), spectrum(noise / 7, 16000)) < 0.01
    assert semitones(100, 200) == pytest.approx(12)


def test_warped_time_is_found_again() -> None:
    from tools.speech.alignment import pair_by_time

    original = np.cumsum(np.random.default_rng(0).normal(size=(120, 6)), axis=0)
    stretched = original[np.round(np.linspace(0, 119, 170)).astype(int)]
    ones, others = pair_by_time(original, stretched)
    assert (ones[0], others[0]) == (0, 0)
    assert (ones[-1], others[-1]) == (119, 169)
    assert np.abs(ones / 119 - others / 169).max() < 0.02


def test_nearest_frames_are_the_nearest() -> None:
    from tools.speech.alignment import nearest_frames

    generator = np.random.default_rng(0)
    known, wanted = generator.normal(size=(300, 8)), generator.normal(size=(1500, 8))
    distance, found = nearest_frames(wanted, known, 5)
    everything = np.linalg.norm(wanted[:, None] - known[None], axis=2)
    assert np.allclose(np.sort(distance, axis=1), np.sort(everything, axis=1)[:, :5])
    assert np.allclose(np.take_along_axis(everything, found, axis=1), distance)
