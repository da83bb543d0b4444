"""An episode: files that play, times that fit, speakers that are equally loud."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from nexus_agents.core.errors import InputError
from nexus_agents.core.voices import Voice, VoiceReport
from tools.podcast_audio import Episode, SpokenTurn, assemble
from tools.speech.audio import read_audio, sha256_of, write_audio
from tools.speech.engine import EmbeddedSpeech

np = pytest.importorskip("numpy", reason="needs the extra `speech`")

SCRIPT = (
    ("Host", "Welcome. Today we talk about bees."),
    ("Guest", "Thank you; I am glad to be here. Shall we begin?"),
    ("Host", "A bee dances when she has found food."),
    ("Host", "Her sisters follow <closely> & learn the way."),
)


async def spoken_turns(
    speech: EmbeddedSpeech, folder: Path, fitted_once: tuple[Voice, VoiceReport]
) -> list[SpokenTurn]:
    voices = {"Host": fitted_once[0], "Guest": (await speech.presets())[0]}
    turns: list[SpokenTurn] = []
    for number, (speaker, text) in enumerate(SCRIPT):
        spoken = await speech.speak(text, voices[speaker], folder / f"{number}.wav")
        samples, rate = read_audio(folder / f"{number}.wav")
        # The guest's microphone is twenty decibels quieter.
        write_audio(folder / f"{number}.wav", samples * (0.1 if speaker == "Guest" else 1), rate)
        turns.append(SpokenTurn(speaker, text, folder / f"{number}.wav", spoken.words))
    return turns


@pytest.fixture
async def turns(speech: EmbeddedSpeech, tmp_path: Path, fitted_once: tuple[Voice, VoiceReport]) -> list[SpokenTurn]:
    return await spoken_turns(speech, tmp_path / "turns", fitted_once)


@pytest.fixture
def episode(turns: list[SpokenTurn], tmp_path: Path) -> Episode:
    return assemble(turns, tmp_path / "out" / "bees v1.2", "Bees & others")


def test_files_play_and_are_as_long_as_said(episode: Episode, tmp_path: Path) -> None:
    names = ["bees v1.2.mp3", "bees v1.2.transcript.json", "bees v1.2.vtt", "bees v1.2.wav"]
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == names
    for path in (episode.wav, episode.mp3):
        samples, rate = read_audio(Path(path))
        assert rate == episode.sample_rate
        assert len(samples) / rate == pytest.approx(episode.seconds, abs=0.001)
        assert np.abs(samples).max() <= 10 ** (-1 / 20)


def test_turns_lie_where_the_transcript_says(episode: Episode) -> None:
    samples, rate = read_audio(Path(episode.wav))
    margin = rate // 500  # times are given in milliseconds
    before = 0.0
    for turn in episode.turns:
        assert np.abs(samples[int(before * rate) + margin : int(turn.start * rate) - margin]).max() < 1e-4
        voice = samples[int(turn.start * rate) : int(turn.end * rate)]
        assert np.abs(voice).max() > 0.1
        assert 0.2 < turn.start - before < 0.6
        before = turn.end
        assert turn.words[0].text == turn.text.split()[0].strip(".,")
        for word in turn.words:
            assert turn.start <= word.start < word.end <= turn.end
            heard = samples[int(word.start * rate) : int(word.end * rate)]
            assert np.sqrt((heard**2).mean()) > 0.01, word
    assert np.abs(samples[int(before * rate) + margin :]).max() < 1e-4


def test_speakers_are_equally_loud(episode: Episode) -> None:
    from tools.speech.loudness import loudness

    samples, rate = read_audio(Path(episode.wav))
    levels = [loudness(samples[int(turn.start * rate) : int(turn.end * rate)], rate) for turn in episode.turns]
    assert max(levels) - min(levels) < 1.5
    assert episode.loudness_lufs == pytest.approx(-19, abs=1)
    assert episode.peak_dbfs <= -1
    assert loudness(samples, rate) == pytest.approx(episode.loudness_lufs, abs=0.1)


def test_transcript_and_subtitles_say_the_same(episode: Episode) -> None:
    transcript = json.loads(Path(episode.transcript).read_text(encoding="utf-8"))
    assert [(turn["speaker"], turn["text"]) for turn in transcript["turns"]] == list(SCRIPT)
    assert transcript["mp3"] == "bees v1.2.mp3"
    assert transcript["speakers"] == ["Host", "Guest"]
    subtitles = Path(episode.subtitles).read_text(encoding="utf-8")
    assert subtitles.startswith("WEBVTT\n\n")
    assert "<v Host>Her sisters follow &lt;closely&gt; &amp; learn the way." in subtitles
    cues = re.findall(r"(\d\d):(\d\d):(\d\d\.\d{3}) --> ", subtitles)
    starts = [int(hours) * 3600 + int(minutes) * 60 + float(seconds) for hours, minutes, seconds in cues]
    assert starts == [turn.start for turn in episode.turns]


def test_the_same_turns_make_the_same_files(episode: Episode, turns: list[SpokenTurn], tmp_path: Path) -> None:
    again = assemble([tuple(turn) for turn in turns], tmp_path / "again" / "bees v1.2", "Bees & others")
    for one, other in (
        (episode.wav, again.wav),
        (episode.mp3, again.mp3),
        (episode.transcript, again.transcript),
        (episode.subtitles, again.subtitles),
    ):
        assert sha256_of(Path(one)) == sha256_of(Path(other))


def test_what_cannot_be_joined_is_refused(turns: list[SpokenTurn], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no turns"):
        assemble([], tmp_path / "none", "Nothing")
    with pytest.raises(InputError, match=r"gone\.wav"):
        assemble([*turns, turns[0]._replace(audio=tmp_path / "gone.wav")], tmp_path / "none", "Nothing")
    assert list(tmp_path.glob("none*")) == []
