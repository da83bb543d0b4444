"""Voices, consents and speech, as they travel between tools, memory and graphs."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from nexus_agents.core.runs import now

__all__ = ["Consent", "Speech", "Voice", "VoiceReport", "Word"]


class Voice(BaseModel):
    """A voice that can speak.

    The identity of a cloned voice is its reference clip; `folder` holds what one engine derived from it.
    """

    name: str
    engine: str
    """`espeak` for a voice of the embedded synthesiser, `world` for a likeness fitted to a clip."""
    base: str = "gmw/en-US"
    """Voice of the embedded synthesiser that speaks, or that the likeness is fitted from."""
    language: str = "en"
    description: str = ""
    folder: str | None = None
    clip_sha256: str | None = None
    created_at: datetime = Field(default_factory=now)


class Consent(BaseModel):
    """That a person may be imitated: who said so, to what, and about which clip (found by its SHA-256)."""

    clip_sha256: str
    speaker: str
    """Whose voice it is."""
    approved_by: str
    """The person who recorded this consent."""
    statement: str
    scope: str = "any use by the owner of this installation"
    created_at: datetime = Field(default_factory=now)
    revoked_at: datetime | None = None


class Word(BaseModel):
    """One spoken word: where it stands in the text and when it is heard."""

    text: str
    start: float
    """Seconds from the start of the audio."""
    end: float


class Speech(BaseModel):
    """Audio that was spoken."""

    path: str
    seconds: float
    sample_rate: int
    """Hz."""
    engine: str
    """Which engine spoke, in words a listener may see."""
    voice: str
    words: list[Word] = Field(default_factory=list[Word])

    @property
    def summary(self) -> str:
        """What was made, in a line."""
        return f"{self.seconds:.1f} s spoken by {self.voice}"

    def for_model(self) -> str:
        """Return what a model needs to know: everything but the times of the words, which are long."""
        return self.model_dump_json(exclude={"words"})


class VoiceReport(BaseModel):
    """How close a likeness came to its clip, by measures that need no model.

    Attributes:
        clip_seconds: Length of the clip.
        f0_clip_hz: Mean pitch of the clip (Hz).
        f0_voice_hz: Mean pitch of the likeness speaking other words (Hz).
        f0_error_semitones: Distance of the two.
        spectrum_error_db: RMS distance of the long-term mel spectra (dB), level removed.
        spectrum_error_before_db: The same distance before fitting, for the unfitted synthesiser.
        engine: The engine that made it.
    """

    clip_seconds: float
    f0_clip_hz: float
    f0_voice_hz: float
    f0_error_semitones: float
    spectrum_error_db: float
    spectrum_error_before_db: float
    engine: str
