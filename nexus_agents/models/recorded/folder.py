"""The folder of a recording: one readable file a request, and `models.json`, which says who played which role.

A request that is asked several times has several answers. Which one is given follows from where in the run it is asked
(the node of the graph, its step and its place among those that run side by side), counted from 0 in each process: a run
that was killed and is resumed asks from the same place again and gets the same answer, and samples that are drawn side
by side get one each. Where the place is unknown the answers are given in the order in which they were recorded, again
from the first after the last.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from nexus_agents.core.errors import ConfigError
from nexus_agents.core.models import ModelProfile
from nexus_agents.core.runs import now
from nexus_agents.models.recorded.normal import Normal, key_of

__all__ = ["Recording"]


class Recording:
    """Answers in a folder.

    Args:
        folder: The folder; made where it is missing, if it is recorded into.
        stands_for: Paths and names by the word that stands for them in what is kept, for instance `<nexus-workspace>`.
        adding: Whether what is not there may be asked and added.

    Raises:
        ConfigError: There is no such folder to replay, or its `rules.json` is wrong.
    """

    def __init__(self, folder: Path, stands_for: Mapping[str, Path | str], *, adding: bool) -> None:
        self.folder = folder
        self.adding = adding
        self._stands_for = stands_for
        self._counts: Counter[tuple[str, str]] = Counter()
        if adding:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ConfigError(f"{folder} cannot be made: {error.strerror}.", "Name another folder.") from error
        elif not folder.is_dir():
            raise ConfigError(
                f"There is no recording {folder}.", "Make one with: nexus run --model record:FOLDER:PROVIDER:MODEL"
            )
        self.normal = Normal(stands_for, _own_rules(folder), source=str(folder / "rules.json"))

    def path(self, request: Mapping[str, Any]) -> Path:
        """Return the file of a request."""
        role = re.sub(r"[^\w.-]", "_", str(request["role"]))
        return self.folder / f"{role}-{key_of(request)}.json"

    def find(self, request: Mapping[str, Any], place: str) -> dict[str, Any] | None:
        """Return the recorded message that answers a request here, or None where there is none yet.

        Args:
            request: The request as `Normal.request` makes it.
            place: Where in the run it is asked.
        """
        kept = _read(self.path(request)).get("answers", [])
        here = [answer for answer in kept if answer["place"] == place]
        key = key_of(request)
        number = self._counts[key, place]
        self._counts[key, place] += 1
        if here and (number < len(here) or not self.adding):
            return self._localised(here[number % len(here)]["answer"])
        if kept and not self.adding:
            number = self._counts[key, ""]
            self._counts[key, ""] += 1
            return self._localised(kept[number % len(kept)]["answer"])
        return None

    def add(self, request: Mapping[str, Any], place: str, model: str, answer: Mapping[str, Any]) -> None:
        """Keep an answer; the file is replaced as a whole, and two processes wait for each other."""
        kept = json.loads(json.dumps(answer, ensure_ascii=False, default=str))
        for name, path in self._stands_for.items():
            kept = json.loads(json.dumps(kept, ensure_ascii=False).replace(_quoted(str(path)), name))
        entry = {"place": place, "model": model, "recorded": now().isoformat(), "answer": kept}
        with self._locked():
            path = self.path(request)
            data = _read(path) or {"request": request, "answers": []}
            data["answers"].append(entry)
            _replace(path, data)

    def player(self, role: str) -> tuple[str | None, ModelProfile | None]:
        """Return the `provider:model` that played a role when this was recorded, and what was known about it."""
        told = _read(self.folder / "models.json").get(self.normal.text(role), {})
        profile = told.get("profile")
        return told.get("model"), ModelProfile.model_validate(profile) if profile else None

    def note_player(self, role: str, model: str, profile: ModelProfile | None = None) -> None:
        """Keep which model plays a role, so that a replay is told the same."""
        before = self.player(role)
        if before[0] == model and (profile is None or before[1] is not None):
            return
        with self._locked():
            path = self.folder / "models.json"
            data = _read(path)
            told: dict[str, Any] = {"model": model}
            if profile:
                told["profile"] = profile.model_dump(mode="json")
            data[self.normal.text(role)] = {**data.get(self.normal.text(role), {}), **told}
            _replace(path, data)

    def requests(self) -> Iterator[tuple[Path, Mapping[str, Any]]]:
        """Yield every recorded request with its file."""
        for path in sorted(self.folder.glob("*-*.json")):
            request = _read(path).get("request")
            if isinstance(request, Mapping):
                yield path, cast("Mapping[str, Any]", request)

    def _localised(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        text = json.dumps(answer, ensure_ascii=False)
        for name, path in self._stands_for.items():
            text = text.replace(name, _quoted(str(path)))
        return json.loads(text)

    @contextmanager
    def _locked(self) -> Generator[None]:
        with (self.folder / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _quoted(path: str) -> str:
    return json.dumps(path, ensure_ascii=False)[1:-1]


def _own_rules(folder: Path) -> list[tuple[str, str]]:
    path = folder / "rules.json"
    if not path.exists():
        return []
    try:
        return [(str(pattern), str(new)) for pattern, new in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(
            f"{path} has no rules: {error}.", 'It is a list of pairs: [["regular expression", "replacement"]].'
        ) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(f"The recording {path} cannot be read: {error}.", "Delete it and record it again.") from error


def _replace(path: Path, data: Mapping[str, Any]) -> None:
    half = path.with_name(f".{path.name}.{os.getpid()}")
    half.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    half.replace(path)
