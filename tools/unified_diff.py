"""Reads unified diffs as people and models write them, and fits them to texts: exact in content, lenient in numbers.

Models count lines badly: where a hunk says that it stands is a hint, what it shows must be there to the letter. That
rules out `git apply`, which wants right counts and cannot say what nearly fits; the packages that read diffs either
want right counts too, or apply straight to the disk.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from nexus_agents.core.errors import ToolInputError
from tools.nearest import nearest_lines
from tools.text_files import lines_of

__all__ = ["FilePatch", "Hunk", "fit", "read_patch"]

_HUNK = re.compile(r"^@@+(?: -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))?)? ?(?:@@+)?(.*)$")
_QUOTED = re.compile(r'^"(?:[^"\\]|\\.)*"')


@dataclass
class Hunk:
    """One place of a change; its lines carry their ends.

    Attributes:
        header: The line that begins it.
        start: The line where it says it stands, counted from 1; 0 where it does not say.
        old: Lines that are there before.
        new: Lines that are there after.
    """

    header: str
    start: int = 0
    old: list[str] = field(default_factory=list[str])
    new: list[str] = field(default_factory=list[str])


@dataclass
class FilePatch:
    """What happens to one file.

    Attributes:
        old: Its path before; empty where it is created.
        new: Its path after; empty where it is deleted.
        hunks: Changes, from top to bottom.
        executable: Whether it may be run afterwards; None where nothing is said.
    """

    old: str
    new: str
    hunks: list[Hunk] = field(default_factory=list[Hunk])
    executable: bool | None = None


def read_patch(text: str) -> list[FilePatch]:
    """Read a unified diff of one or more files; what stands before and between them is passed over.

    Raises:
        ToolInputError: There is no change in it, or it cannot be told what it means.
    """
    lines = text.replace("\r\n", "\n").split("\n") if "\r\n" in text and "\n" in text else text.split("\n")
    files: list[FilePatch] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.startswith(("GIT binary patch", "Binary files ")):
            raise ToolInputError("The patch changes a file that is not text.", "Only text files can be patched.")
        if line.startswith("diff --git "):
            at = _git_headers(lines, at, files)
        elif _names_files(lines, at):
            at = _file_headers(lines, at, files)
        elif line.startswith("@@"):
            if not files:
                raise ToolInputError("A hunk of the patch names no file.", "Put `--- a/PATH` and `+++ b/PATH` first.")
            at = _hunk(lines, at, files[-1])
        else:
            at += 1
    found = [each for each in files if each.hunks or each.old != each.new or each.executable is not None]
    if not found:
        raise ToolInputError(
            "There is no change in the patch.",
            "Write a unified diff: `--- a/PATH`, `+++ b/PATH`, then hunks that begin with `@@ -1,3 +1,4 @@`.",
        )
    return found


def fit(content: str, hunks: Sequence[Hunk], path: str) -> str:
    """Return a text with hunks applied.

    Args:
        content: The text before.
        hunks: From top to bottom.
        path: The file, for the error.

    Raises:
        ToolInputError: A hunk does not fit, or fits in several places and does not say in which.
    """
    lines, windows = lines_of(content), "\r\n" in content
    floor = shift = 0
    for number, hunk in enumerate(hunks, 1):
        old, new = hunk.old, hunk.new
        if windows and not any("\r" in line for line in (*old, *new)):
            old, new = ([line.replace("\n", "\r\n") for line in side] for side in (old, new))
        name = f"Hunk {number} of {path} ({hunk.header.strip()})"
        at = _place(lines, old, hunk, floor, shift, name)
        if at is None:
            raise _misfit(lines, old, new, name)
        if old and at + len(old) == len(lines) and lines[-1] != old[-1] and new and new[-1] == old[-1]:
            new = [*new[:-1], lines[-1]]  # the last line had no end, and keeps none
        lines[at : at + len(old)] = new
        floor = at + len(new)
        shift = at - max(hunk.start - 1, 0) + len(new) - len(old) if hunk.start else shift
    return "".join(lines)


def _place(lines: list[str], old: list[str], hunk: Hunk, floor: int, shift: int, name: str) -> int | None:
    if not old:
        # Nothing is shown of the file: the number alone says where, after that line.
        if lines and not hunk.start and not floor:
            raise ToolInputError(f"{name} does not say where.", "Show some lines around the change.")
        return min(max(hunk.start + shift, floor), len(lines))
    found = [at for at in range(floor, len(lines) - len(old) + 1) if _equal(lines, at, old)]
    if not found:
        return None
    if not hunk.start and len(found) > 1:
        places = ", ".join(str(at + 1) for at in found[:5])
        raise ToolInputError(f"{name} fits at lines {places}.", "Show more lines around the change.")
    expected = hunk.start - 1 + shift
    return min(found, key=lambda at: (abs(at - expected), at))


def _equal(lines: list[str], at: int, old: list[str]) -> bool:
    if lines[at : at + len(old)] == old:
        return True
    # Few people write `\ No newline at end of file`: at the end of the file the end of the line is not looked at.
    if at + len(old) != len(lines) or lines[at:-1] != old[:-1]:
        return False
    return lines[-1].rstrip("\r\n") == old[-1].rstrip("\r\n")


def _misfit(lines: list[str], old: list[str], new: list[str], name: str) -> ToolInputError:
    if new and any(_equal(lines, at, new) for at in range(len(lines) - len(new) + 1)):
        return ToolInputError(f"{name} is applied already; nothing was changed.", "Leave it out of the patch.")
    near = nearest_lines(lines, "".join(old))
    return ToolInputError(
        f"{name} does not fit: its lines are not in the file as they are shown; nothing was changed.",
        near or "Read the file and copy its lines exactly.",
    )


def _names_files(lines: list[str], at: int) -> bool:
    return lines[at].startswith("--- ") and at + 1 < len(lines) and lines[at + 1].startswith("+++ ")


def _file_headers(lines: list[str], at: int, files: list[FilePatch]) -> int:
    old, new = _path(lines[at][4:]), _path(lines[at + 1][4:])
    if old != "/dev/null" and new != "/dev/null":
        if old.startswith("a/") and new.startswith("b/"):
            old, new = old[2:], new[2:]
    else:
        old, new = old.removeprefix("a/"), new.removeprefix("b/")
    old, new = ("" if path == "/dev/null" else path for path in (old, new))
    if not old and not new:
        raise ToolInputError("A file of the patch has no name.", "Name it after `---` or `+++`.")
    last = files[-1] if files else None
    if last and not last.hunks and {last.old, last.new} & {old, new} - {""}:
        last.old, last.new = old, new  # the same file, named by `diff --git` before
    else:
        files.append(FilePatch(old, new))
    return at + 2


def _git_headers(lines: list[str], at: int, files: list[FilePatch]) -> int:
    """Read `diff --git` and what git says below it of names and permissions."""
    names = re.match(r"diff --git a/(.*) b/(.*)$", lines[at])
    if names is None:
        quoted = re.findall(r'"(?:[^"\\]|\\.)*"|\S+', lines[at])[2:]
        old, new = (_path(name)[2:] for name in quoted) if len(quoted) == 2 else ("", "")
    else:
        # Equal names tell where the first ends, even with ` b/` in them.
        half = re.match(r"diff --git a/(.*) b/\1$", lines[at])
        old, new = (half[1], half[1]) if half else (names[1], names[2])
    patch = FilePatch(old, new)
    files.append(patch)
    at += 1
    while at < len(lines) and re.match(
        r"(index|old mode|new mode|new file|deleted|similarity|dissim|rename)", lines[at]
    ):
        word, _, value = lines[at].partition(" mode ")
        if lines[at].startswith("rename from "):
            patch.old = _path(lines[at][12:])
        elif lines[at].startswith("rename to "):
            patch.new = _path(lines[at][10:])
        elif word == "new file":
            patch.old, patch.executable = "", value.endswith("755") or None
        elif word == "deleted file":
            patch.new = ""
        elif word == "new":
            patch.executable = value.endswith("755")
        at += 1
    return at


def _hunk(lines: list[str], at: int, patch: FilePatch) -> int:
    header = lines[at]
    numbers = _HUNK.match(header)
    said = bool(numbers and numbers[1])
    start, count, after = (int(numbers[n] or 1) if numbers and said else -1 for n in (1, 2, 3))
    hunk = Hunk(header, max(start, 0))
    body: list[str] = []
    at += 1
    while at < len(lines) and not lines[at].startswith(("@@", "diff --git ")):
        if _names_files(lines, at) and _ends(lines, at, body, count, after):
            break
        if lines[at] and lines[at][0] not in " +-\\":
            break
        if lines[at] == "-- " and sum(line[:1] in ("", " ", "-") for line in body) == count:
            break  # the signature of a mailed patch
        body.append(lines[at])
        at += 1
    # An empty line may be an empty line of the file whose blank was lost, or follow the patch.
    shown = sum(line[:1] in ("", " ", "-") for line in body)
    while body and body[-1] == "" and shown > count:
        body.pop()
        shown -= 1
    for number, line in enumerate(body):
        if line.startswith("\\"):
            continue
        ended = not (number + 1 < len(body) and body[number + 1].startswith("\\"))
        text = line[1:] + ("\n" if ended else "")
        if line[:1] in ("", " ", "-"):
            hunk.old.append(text)
        if line[:1] in ("", " ", "+"):
            hunk.new.append(text)
    if hunk.old == hunk.new:
        raise ToolInputError(f"The hunk {header.strip()} of {patch.new or patch.old} changes nothing.", "Leave it out.")
    patch.hunks.append(hunk)
    return at


def _ends(lines: list[str], at: int, body: list[str], count: int, after: int) -> bool:
    """Tell whether `---` and `+++` name the next file, or are a line `-- ` removed and one `++ ` added."""
    shown = sum(line[:1] in ("", " ", "-") for line in body)
    made = sum(line[:1] in ("", " ", "+") for line in body)
    if count < 0 or (shown >= count and made >= after):
        return True
    # The counts may be too large; but where these two lines make them right, they belong to the hunk.
    return lines[at + 2 : at + 3] != [] and lines[at + 2].startswith("@@") and (shown + 1, made + 1) != (count, after)


def _path(text: str) -> str:
    """Read a path as diffs write it: quoted with C escapes, or followed by a tab and a time."""
    if quoted := _QUOTED.match(text):
        try:
            return quoted[0][1:-1].encode("ascii").decode("unicode_escape").encode("latin-1").decode("utf-8")
        except ValueError as error:
            raise ToolInputError(f"The path {quoted[0]} of the patch cannot be read.", "Write it plainly.") from error
    return text.partition("\t")[0].rstrip("\r")
