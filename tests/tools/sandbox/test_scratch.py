"""What a kill leaves of a command's folder is removed by the next Nexus; what is in use is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools.sandbox.scratch import scratch_folder, sweep


async def test_only_what_nobody_holds_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left, young, other = (tmp_path / name for name in ("nexus-" + "a" * 16, "nexus-" + "b" * 16, "nexus-" + "kept"))
    for folder in (left, young, other):
        (folder / "home").mkdir(parents=True)
    os.utime(left, (1, 1))
    os.utime(other, (1, 1))
    async with scratch_folder() as used:
        assert sorted(tmp_path.iterdir()) == sorted([young, other, used])
        os.utime(used, (1, 1))
        os.utime(young, (1, 1))
        sweep(tmp_path)
        assert sorted(tmp_path.iterdir()) == sorted([other, used])
    assert list(tmp_path.iterdir()) == [other]
