"""Audio files in and out: clips are checked before they are used, files appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from nexus_agents.core.errors import InputError, MissingExtra, StorageFull, WorkspaceError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float64]
    """Mono audio, `(samples,)`, full scale at 1.0."""

__all__ = [
    "FORMATS",
    "check_format",
    "read_audio",
    "read_clip",
    "require_packages",
    "resample",
    "sha256_of",
    "write_audio",
    "write_whole",
]

FORMATS = {
    ".wav": ("WAV", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
    ".ogg": ("OGG", "VORBIS"),
}
"""What can be written, by suffix: format and subtype of libsndfile."""

_PACKAGES = ("espeakng_loader", "numpy", "pyworld", "scipy", "soundfile")

_SHORTEST, _LONGEST = 3.0, 30.0  # seconds
_LOWEST_RATE = 8000  # Hz
_SILENT_PEAK = 10 ** (-50 / 20)
_LEAST_VOICED = 1.5  # seconds of a clip that must carry sound
_BLOCK = 65536  # libsndfile 1.2 overflows its stack when it encodes a long Ogg Vorbis file in one call


def require_packages() -> None:
    """Refuse to go on without the packages of the extra `speech`.

    Raises:
        MissingExtra: One of them is not installed.
    """
    if any(find_spec(package) is None for package in _PACKAGES):
        raise MissingExtra("The embedded voice", "speech")


def read_audio(path: Path, *, seconds: float | None = None) -> tuple[Samples, int]:
    """Read an audio file of any kind that libsndfile knows, mixed to mono.

    Args:
        path: The file.
        seconds: Read no more than this from its beginning.

    Returns:
        The samples and their rate (Hz).

    Raises:
        InputError: There is no such file, or it is not audio.
        MissingExtra: The packages for speech are not installed.
    """
    require_packages()
    import numpy as np
    import soundfile

    if not path.is_file():
        raise InputError(f"There is no audio file {path.name}.", f"Looked for {path}; check the name.")
    try:
        with soundfile.SoundFile(path) as file:
            rate = int(file.samplerate)
            frames = -1 if seconds is None else int(seconds * rate)
            samples = file.read(frames, dtype="float64", always_2d=True).mean(axis=1)
    except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
        raise InputError(
            f"{path.name} is not audio that can be read.",
            "Use a WAV, FLAC, MP3 or OGG file; other kinds convert with: ffmpeg -i IN out.wav",
        ) from error
    if not np.isfinite(samples).all():
        raise InputError(f"{path.name} holds samples that are no numbers.", "Export the recording again.")
    return samples, rate


def read_clip(path: Path) -> tuple[Samples, int]:
    """Read a clip that a voice is to be fitted to.

    Returns:
        The samples and their rate (Hz).

    Raises:
        InputError: The file is missing, is not audio, is shorter than 3 or longer than 30 seconds, or is silent.
    """
    import numpy as np

    samples, rate = read_audio(path, seconds=_LONGEST + 1)
    length = len(samples) / rate
    how = f"Use {_SHORTEST:.0f} to {_LONGEST:.0f} seconds of one person speaking, without music."
    if length > _LONGEST:
        raise InputError(f"{path.name} is longer than {_LONGEST:.0f} seconds.", how)
    if length < _SHORTEST:
        raise InputError(f"{path.name} is {length:.1f} seconds long, which is too short.", how)
    if rate < _LOWEST_RATE:
        raise InputError(f"{path.name} has only {rate} samples a second.", "Use at least 8000 (16000 is good).")
    if np.abs(samples).max() < _SILENT_PEAK:
        raise InputError(f"{path.name} is silent.", how)
    hop = rate // 50
    power = (samples[: len(samples) // hop * hop].reshape(-1, hop) ** 2).mean(axis=1)
    voiced = float((power > power.max() * 1e-4).sum()) / 50
    if voiced < _LEAST_VOICED:
        raise InputError(f"{path.name} holds only {voiced:.1f} seconds of sound.", how)
    return samples, rate


def resample(samples: Samples, rate: int, wanted: int) -> Samples:
    """Change the sample rate by a polyphase filter."""
    from math import gcd

    import numpy as np
    from scipy.signal import resample_poly

    if rate == wanted:
        return samples
    common = gcd(rate, wanted)
    return np.asarray(resample_poly(samples, wanted // common, rate // common), dtype=np.float64)


def check_format(path: Path) -> None:
    """Refuse a name whose suffix is not one of `FORMATS`.

    Raises:
        InputError: It is not.
    """
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"{path.name}: this kind of file cannot be written.", f"Use {', '.join(FORMATS)}.")


def write_audio(path: Path, samples: Samples, rate: int, *, title: str = "", comment: str = "") -> None:
    """Write mono audio; the suffix chooses the format, and the file appears whole or not at all.

    Args:
        path: The file; missing folders are made.
        samples: `(samples,)`, full scale at 1.0; what is louder is clipped.
        rate: Hz.
        title: Written into the file, where given.
        comment: The same.

    Raises:
        InputError: The suffix is not one of `FORMATS`.
        StorageFull: The disk has no room.
        WorkspaceError: The folder cannot be written.
    """
    import numpy as np
    import soundfile

    check_format(path)
    kind, subtype = FORMATS[path.suffix.lower()]
    whole = np.clip(samples, -1.0, 32767 / 32768)
    encoded = io.BytesIO()
    with soundfile.SoundFile(encoded, "w", rate, 1, subtype, format=kind) as file:
        if title:
            file.title = title
        if comment:
            file.comment = comment
        for start in range(0, len(whole), _BLOCK):
            file.write(whole[start : start + _BLOCK])
    write_whole(path, encoded.getvalue())


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under a temporary name in its folder and rename it.

    Raises:
        StorageFull: The disk has no room.
        WorkspaceError: The folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
            raise StorageFull(f"There is no room to write {path.name}.", "Free some space and resume.") from error
        raise WorkspaceError(
            f"{path.name} cannot be written: {error.strerror}.", f"Check the folder {path.parent}."
        ) from error


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
