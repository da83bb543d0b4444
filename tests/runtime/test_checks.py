"""`nexus doctor`: it looks at every extra there is, and at every package of it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from nexus_agents.runtime.checks import EXTRAS

ROOT = Path(__file__).resolve().parents[2]


def test_every_extra_is_looked_at() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    packages = {
        extra: {re.split(r"[\[<>=~! ;]", wanted, maxsplit=1)[0] for wanted in listed}
        for extra, listed in declared.items()
        # What developers need is no matter of an installation; groups only name other extras.
        if extra != "dev" and not any(wanted.startswith("nexus-agents[") for wanted in listed)
    }
    assert {extra: set(listed) for extra, listed in EXTRAS.items()} == packages
