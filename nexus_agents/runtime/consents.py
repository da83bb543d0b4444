"""Consents: records about a clip, made by people and found by the clip's hash."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from nexus_agents.core.errors import InputError
from nexus_agents.core.voices import Consent, Voice

if TYPE_CHECKING:
    from nexus_agents.core.ports import VoiceStore

__all__ = ["ClipFacts", "clip_facts", "delete_files", "forget_clip", "make_consent", "read_record"]


@dataclass(frozen=True)
class ClipFacts:
    """What a consent says about a clip."""

    path: Path
    sha256: str
    seconds: float


def clip_facts(path: Path) -> ClipFacts:
    """Measure a clip.

    Raises:
        InputError: There is no such file, or it is no clip of 3 to 30 seconds of sound.
        MissingExtra: The packages for speech are not installed.
    """
    from tools.speech.audio import read_clip, require_packages, sha256_of

    require_packages()
    if not path.is_file():
        raise InputError(f"There is no file {path}.", "Name a WAV, MP3, FLAC or OGG file of 3 to 30 seconds.")
    samples, rate = read_clip(path)
    return ClipFacts(path, sha256_of(path), len(samples) / rate)


def make_consent(facts: ClipFacts, speaker: str, approved_by: str, statement: str, scope: str) -> Consent:
    """Return a consent for a clip.

    Raises:
        InputError: Nobody is named.
    """
    if not speaker.strip() or not approved_by.strip() or not statement.strip():
        raise InputError("A consent names the speaker, who records it, and what was agreed.", "Give all three.")
    given = Consent(
        clip_sha256=facts.sha256,
        speaker=speaker.strip(),
        approved_by=approved_by.strip(),
        statement=statement.strip(),
    )
    return given.model_copy(update={"scope": scope.strip()}) if scope.strip() else given


def read_record(path: Path, facts: ClipFacts) -> Consent:
    """Read a consent that was written down before, and check that it is about this clip.

    Raises:
        InputError: It cannot be read, is no consent, or is about another clip.
    """
    try:
        consent = Consent.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", "Name the file with the consent.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InputError(
            f"{path} is not a consent: {where}: {first['msg']}.", "examples/reference.consent.json shows the form."
        ) from error
    if consent.clip_sha256 != facts.sha256:
        raise InputError(
            f"{path} is about another recording than {facts.path}.", "A consent holds for one clip, found by its hash."
        )
    return consent


async def forget_clip(voices: VoiceStore, clip_sha256: str) -> tuple[int, list[str]]:
    """Revoke the consents for a clip and delete every voice that was made of it.

    Returns:
        How many consents were revoked, and the names of the voices that were deleted.
    """
    count = await voices.revoke(clip_sha256)
    gone = [voice for voice in await voices.list() if voice.clip_sha256 == clip_sha256]
    for voice in gone:
        delete_files(voice)
        await voices.remove(voice.name)
    return count, [voice.name for voice in gone]


def delete_files(voice: Voice) -> None:
    """Delete what an engine derived from a voice's clip."""
    if voice.folder:
        shutil.rmtree(voice.folder, ignore_errors=True)
