"""Audio files: what is written is read again, what is no clip is refused, what fails leaves nothing."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from nexus_agents.core.errors import InputError, StorageFull, WorkspaceError
from tools.speech.audio import FORMATS, read_audio, read_clip, resample, sha256_of, write_audio

np = pytest.importorskip("numpy", reason="needs the extra `speech`")
soundfile = pytest.importorskip("soundfile", reason="needs the extra `speech`")


def tone(seconds: float, rate: int = 16000, height: float = 220.0):
    return 0.3 * np.sin(2 * np.pi * height * np.arange(int(seconds * rate)) / rate)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("rate", [16000, 22050])
def test_what_is_written_is_read_again(tmp_path: Path, suffix: str, rate: int) -> None:
    path = tmp_path / "new" / f"tone{suffix}"
    written = tone(2.5, rate)
    write_audio(path, written, rate, title="A tone", comment="Synthetic")
    read, its_rate = read_audio(path)
    assert (its_rate, len(read)) == (rate, len(written))
    assert np.corrcoef(read, written)[0, 1] > 0.99
    assert soundfile.SoundFile(path).comment == "Synthetic"
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_long_ogg_can_be_written(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).normal(size=22050 * 150) * 0.1
    write_audio(tmp_path / "long.ogg", noise, 22050)
    assert soundfile.info(tmp_path / "long.ogg").frames == len(noise)


def test_the_same_audio_gives_the_same_bytes(tmp_path: Path) -> None:
    for suffix in (".wav", ".flac", ".mp3"):
        write_audio(tmp_path / f"a{suffix}", tone(1), 16000, title="T")
        write_audio(tmp_path / f"b{suffix}", tone(1), 16000, title="T")
        assert sha256_of(tmp_path / f"a{suffix}") == sha256_of(tmp_path / f"b{suffix}")


def test_an_unknown_format_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"speech\.xyz"):
        write_audio(tmp_path / "speech.xyz", tone(1), 16000)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_audio(path, tone(0.5), 16000)
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(StorageFull, match=r"a\.wav"):
            write_audio(path, tone(5), 16000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.wav"]


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match=r"a\.wav"):
        write_audio(tmp_path / "file" / "a.wav", tone(1), 16000)


def test_the_example_is_a_clip(clip: Path) -> None:
    samples, rate = read_clip(clip)
    assert rate == 16000
    assert 10 < len(samples) / rate < 15


def test_what_is_no_clip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("Dear diary, this is not a recording.")
    (tmp_path / "empty.wav").write_bytes(b"")
    write_audio(tmp_path / "silent.wav", np.zeros(16000 * 5), 16000)
    write_audio(tmp_path / "short.wav", tone(2.9), 16000)
    write_audio(tmp_path / "long.wav", tone(31), 16000)
    write_audio(tmp_path / "blip.wav", np.concatenate([tone(0.5), np.zeros(16000 * 5)]), 16000)
    soundfile.write(tmp_path / "nan.wav", np.full(16000 * 5, np.nan), 16000, subtype="FLOAT")
    soundfile.write(tmp_path / "phone.wav", tone(5, 4000), 4000)
    reasons = {
        "text": "not audio",
        "empty": "not audio",
        "silent": "is silent",
        "short": "2.9 seconds long",
        "long": "longer than 30",
        "blip": "only 0.5 seconds of sound",
        "nan": "no numbers",
        "phone": "4000 samples",
        "absent": "no audio file",
    }
    for name, reason in reasons.items():
        with pytest.raises(InputError, match=reason) as refused:
            read_clip(tmp_path / f"{name}.wav")
        assert refused.value.hint


def test_stereo_is_mixed_and_rates_are_changed(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "stereo.flac", np.stack([tone(4, 44100), np.zeros(44100 * 4)], axis=1), 44100)
    samples, rate = read_clip(tmp_path / "stereo.flac")
    assert samples.shape == (44100 * 4,)
    changed = resample(samples, rate, 16000)
    assert len(changed) == 16000 * 4
    assert np.corrcoef(changed[1000:-1000], tone(4)[1000:-1000])[0, 1] > 0.99
