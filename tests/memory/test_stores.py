from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from memory import SqlMemory
from nexus_agents.core.errors import InputError
from nexus_agents.core.events import ArtifactMade
from nexus_agents.core.ports import Memory
from nexus_agents.core.runs import Artifact, Run, now
from nexus_agents.core.voices import Consent, Voice

MakeRun = Callable[..., Run]
CLIP = "ab" * 32


def test_it_is_the_port(memory: SqlMemory) -> None:
    port: Memory = memory
    assert port.runs is memory.runs


async def test_an_artifact_is_written_once_per_path_and_hash(memory: SqlMemory, make_run: MakeRun) -> None:
    await memory.runs.create(make_run())
    first = Artifact(run_id="run-1", call_id="c", path="/w/b.wav", kind="audio", bytes=2**40, sha256="1" * 64)
    second = first.model_copy(update={"sha256": "2" * 64, "title": "again"})
    third = first.model_copy(update={"path": "/w/a.wav"})
    event = ArtifactMade(path="/w/b.wav", kind="audio", title="", bytes=2**40)
    seqs = [
        None if written is None else written.seq
        for written in [await memory.artifacts.add(item, event) for item in (first, second, first, third)]
    ]
    assert seqs == [1, 2, None, 3]
    assert await memory.artifacts.list("run-1") == [first, second, third]
    with pytest.raises(InputError, match="no run nobody"):
        await memory.artifacts.add(first.model_copy(update={"run_id": "nobody"}), event)


async def test_voices_are_kept_by_name(memory: SqlMemory) -> None:
    zoe = Voice(name="zoe", engine="world", folder="/v/zoe", clip_sha256=CLIP, description="warm")
    adam = Voice(name="adam", engine="espeak")
    for voice in (zoe, adam):
        await memory.voices.put(voice)
    assert await memory.voices.list() == [adam, zoe]
    deeper = zoe.model_copy(update={"base": "gmw/en-GB", "folder": None})
    await memory.voices.put(deeper)
    assert await memory.voices.get("zoe") == deeper
    assert await memory.voices.remove("zoe") is True
    assert await memory.voices.remove("zoe") is False
    assert await memory.voices.get("zoe") is None


async def test_the_newest_consent_that_stands_is_found(memory: SqlMemory) -> None:
    assert await memory.voices.consent_for(CLIP) is None
    old = Consent(clip_sha256=CLIP, speaker="Zoe", approved_by="Zoe", statement="I agree")
    new = old.model_copy(update={"statement": "still", "created_at": now() + timedelta(seconds=1)})
    for consent in (new, old):
        await memory.voices.add_consent(consent)
    assert await memory.voices.consent_for(CLIP) == new
    assert await memory.voices.revoke(CLIP) == 2
    assert await memory.voices.consent_for(CLIP) is None
    assert await memory.voices.revoke(CLIP) == 0
