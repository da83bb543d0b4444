"""The embedded engine: presets speak, words fit the sound, likenesses come measurably close to their clip."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexus_agents.core.errors import InputError
from nexus_agents.core.voices import Speech, Voice, VoiceReport
from tools.speech.audio import FORMATS, read_audio, resample, sha256_of, write_audio
from tools.speech.engine import EmbeddedSpeech, fitted

np = pytest.importorskip("numpy", reason="needs the extra `speech`")

TEXT = "Hello there. It's the 3rd well-known cat, isn't it?"
WORDS = ["Hello", "there", "It's", "the", "3rd", "well-known", "cat", "isn't", "it"]
GREETINGS = {
    "en": "Good morning, how are you?",
    "de": "Guten Morgen, wie geht es Ihnen?",
    "fr": "Bonjour, comment allez-vous?",
    "es": "Buenos días, ¿cómo está?",
    "it": "Buongiorno, come sta?",
    "pt": "Bom dia, como vai?",
    "zh": "你好，今天天气很好。",
    "ja": "こんにちは、おげんきですか。",
}


def check_words(speech: Speech, path: Path) -> None:
    """Words are in order, inside the audio, and audible: they are louder than the pauses between them."""
    samples, rate = read_audio(path)
    assert len(samples) / rate == pytest.approx(speech.seconds, abs=0.001)
    before = 0.0
    for word in speech.words:
        assert before <= word.start < word.end <= speech.seconds + 1e-3
        before = word.end - 0.011
        part = samples[int(word.start * rate) : int(word.end * rate)]
        assert np.sqrt((part**2).mean()) > 0.01, word


async def test_words_fit_the_audio(speech: EmbeddedSpeech, tmp_path: Path) -> None:
    voice = (await speech.presets())[1]
    spoken = await speech.speak(TEXT, voice, tmp_path / "a.wav")
    assert [word.text for word in spoken.words] == WORDS
    assert spoken.engine == "eSpeak NG 1.52 (formant synthesis)"
    check_words(spoken, tmp_path / "a.wav")
    samples, rate = read_audio(tmp_path / "a.wav")
    # The pause after the first sentence lies between its last word and the next one.
    pause = samples[int((spoken.words[1].end + 0.05) * rate) : int((spoken.words[2].start - 0.05) * rate)]
    assert len(pause) > 0.1 * rate
    assert np.abs(pause).max() < 0.02


async def test_every_preset_speaks_its_language(speech: EmbeddedSpeech, tmp_path: Path) -> None:
    presets = await speech.presets()
    assert {voice.language for voice in presets} == set(GREETINGS)
    assert sum(voice.language == "en" for voice in presets) >= 6
    made: set[str] = set()
    for voice in presets:
        path = tmp_path / f"{voice.name}.wav"
        spoken = await speech.speak(GREETINGS[voice.language], voice, path)
        check_words(spoken, path)
        assert 0.8 < spoken.seconds < 5
        assert "".join(word.text for word in spoken.words)
        made.add(sha256_of(path))
    assert len(made) == len(presets)


@pytest.mark.parametrize("suffix", FORMATS)
async def test_every_format_holds_the_same_speech(speech: EmbeddedSpeech, tmp_path: Path, suffix: str) -> None:
    voice = (await speech.presets())[0]
    spoken = await speech.speak("The same in every format.", voice, tmp_path / f"a{suffix}")
    await speech.speak("The same in every format.", voice, tmp_path / "reference.wav")
    made, rate = read_audio(tmp_path / f"a{suffix}")
    wanted, _ = read_audio(tmp_path / "reference.wav")
    assert (rate, len(made)) == (spoken.sample_rate, len(wanted))
    assert np.corrcoef(made, wanted)[0, 1] > 0.97


async def test_rate_changes_the_pace(speech: EmbeddedSpeech, tmp_path: Path) -> None:
    voice = (await speech.presets())[0]
    slow, normal, fast = [
        (await speech.speak(TEXT, voice, tmp_path / "a.wav", rate=rate)).seconds for rate in (0.7, 1.0, 1.6)
    ]
    assert slow > 1.2 * normal
    assert fast < 0.8 * normal


async def test_what_cannot_be_spoken_is_refused(speech: EmbeddedSpeech, tmp_path: Path) -> None:
    voice = (await speech.presets())[0]
    with pytest.raises(InputError, match="nothing to say"):
        await speech.speak(" ...?! \n", voice, tmp_path / "a.wav")
    with pytest.raises(InputError, match="cannot be written"):
        await speech.speak("Hello", voice, tmp_path / "a.txt")
    with pytest.raises(InputError, match="speed"):
        await speech.speak("Hello", voice, tmp_path / "a.wav", rate=9)
    with pytest.raises(InputError, match="200000"):
        await speech.speak("Hello " * 40_000, voice, tmp_path / "a.wav")
    with pytest.raises(InputError, match="missing"):
        await speech.speak("Hello", Voice(name="ghost", engine="world"), tmp_path / "a.wav")
    with pytest.raises(InputError, match="xtts"):
        await speech.speak("Hello", Voice(name="other", engine="xtts"), tmp_path / "a.wav")
    assert list(tmp_path.iterdir()) == []


async def test_odd_characters_do_no_harm(speech: EmbeddedSpeech, tmp_path: Path) -> None:
    voice = (await speech.presets())[0]
    text = "One\x00two \ud800 <speak>three</speak> [[four]] \N{PARTY POPPER}\n\nfive\x1b[31m"
    spoken = await speech.speak(text, voice, tmp_path / "a.wav")
    check_words(spoken, tmp_path / "a.wav")
    assert {"One", "two", "five"} <= {word.text for word in spoken.words}


def test_a_likeness_is_nearer_to_its_clip(fitted_once: tuple[Voice, VoiceReport]) -> None:
    voice, report = fitted_once
    assert voice.engine == "world"
    assert report.f0_error_semitones < 1.0
    assert report.spectrum_error_db < 0.6 * report.spectrum_error_before_db
    assert "not neural" in report.engine
    assert fitted(Path(str(voice.folder))) == (voice, report)


async def test_a_likeness_speaks_like_its_clip(
    speech: EmbeddedSpeech, tmp_path: Path, clip: Path, fitted_once: tuple[Voice, VoiceReport]
) -> None:
    from tools.speech.measures import pitch, semitones, spectrum, spectrum_distance

    voice, _ = fitted_once
    text = "Bring your best compass to the third class. The club rented the rink for the fifth night."
    plain = Voice(name="plain", engine="espeak", base="gmw/en-GB-x-rp+f1")
    spoken = await speech.speak(text, voice, tmp_path / "likeness.wav")
    await speech.speak(text, plain, tmp_path / "plain.wav")
    wanted = read_audio(clip)
    like, unlike = read_audio(tmp_path / "likeness.wav"), read_audio(tmp_path / "plain.wav")
    assert spoken.engine == "likeness of reference.wav by WORLD over eSpeak NG (not neural)"
    assert semitones(pitch(*like), pitch(*wanted)) < 1.5
    assert semitones(pitch(*unlike), pitch(*wanted)) > 6
    near, far = (spectrum_distance(spectrum(*one), spectrum(*wanted)) for one in (like, unlike))
    assert near < far - 3
    check_words(spoken, tmp_path / "likeness.wav")


async def test_a_likeness_speaks_the_same_twice(
    speech: EmbeddedSpeech, tmp_path: Path, fitted_once: tuple[Voice, VoiceReport]
) -> None:
    for name in ("a", "b"):
        await speech.speak("The same words, and a second clause.", fitted_once[0], tmp_path / f"{name}.wav")
    assert sha256_of(tmp_path / "a.wav") == sha256_of(tmp_path / "b.wav")
    one_word = await speech.speak("Yes.", fitted_once[0], tmp_path / "yes.wav")
    assert [word.text for word in one_word.words] == ["Yes"]
    check_words(one_word, tmp_path / "yes.wav")


async def test_without_a_transcript_it_still_comes_nearer(speech: EmbeddedSpeech, tmp_path: Path, clip: Path) -> None:
    samples, rate = read_audio(clip, seconds=5)
    # A recording at a studio's rate, to go the other way through the rates too.
    write_audio(tmp_path / "five seconds.flac", resample(samples, rate, 44100), 44100)
    voice, report = await speech.fit(tmp_path / "five seconds.flac", "five", tmp_path / "voice")
    assert report.f0_error_semitones < 1.5
    assert report.spectrum_error_db < report.spectrum_error_before_db - 1
    spoken = await speech.speak("Hello there.", voice, tmp_path / "a.ogg")
    assert spoken.sample_rate == 22050


async def test_a_transcript_of_something_else_is_refused(speech: EmbeddedSpeech, tmp_path: Path, clip: Path) -> None:
    with pytest.raises(InputError, match="transcript"):
        await speech.fit(clip, "x", tmp_path / "voice", transcript="Only this.")
    assert not (tmp_path / "voice").exists()


async def test_a_damaged_likeness_is_named(speech: EmbeddedSpeech, tmp_path: Path, likeness_copy: Voice) -> None:
    path = Path(str(likeness_copy.folder)) / "likeness.npz"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match="damaged"):
        await speech.speak("Hello", likeness_copy, tmp_path / "a.wav")
    assert not (tmp_path / "a.wav").exists()
