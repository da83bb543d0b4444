"""The process that maps a repository: `python -I map_child.py CHARACTERS PATH`, in its folder; JSON out.

A process of its own: it parses files that anybody may have written, and holds nobody up meanwhile.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path, PurePosixPath

# Started apart from the environment's path, so the package is found from this file.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.outline import SUFFIXES, Symbol, outline
from tools.tree import SKIPPED, is_binary, walk

LARGEST = 512 << 10
MOST_BYTES = 32 << 20
MOST_FILES = 20_000
TREE_SHARE = 0.2
"""Of the text, for the tree: the definitions say more."""

MOST_SYMBOLS = 6
LONGEST_DOC = 80
"""Of one file: the map is to show many files."""

TEST_WEIGHT = 0.02
"""Tests name everything and are named by nothing; what they define is rarely what is looked for."""

_WORD = re.compile(r"[A-Za-z_]\w{2,}")
_IMPORTED = re.compile(r"^\s*from\s+[\w.]+\s+import\s+(\([^)]*\)|.*)$|\.([A-Za-z_]\w{2,})", re.M)


def main(characters: int, below: str) -> dict:
    """Return the map as text, with the numbers of files that there are and that are shown."""
    root = Path.cwd().resolve()
    sizes = {name: (root / name).stat().st_size for name in _files(root, below)}
    texts, symbols = _read(root, sizes)
    scores, ranks = _rank(texts, symbols)
    lines = [f"{len(sizes)} files, {_size(sum(sizes.values()))}; {len(texts)} of them source."]
    lines += _tree(sizes, int(characters * TREE_SHARE))
    left = characters - sum(len(line) + 1 for line in lines)
    shown = 0
    order = sorted(texts, key=lambda name: (-ranks[name], name))
    for name in order:
        head = f"\n{name} ({texts[name].count(chr(10)) + 1} lines)"
        entry = [head, *_entries(symbols[name], scores)]
        if sum(len(line) + 1 for line in entry) > left - 40:
            entry = entry[:4] if sum(len(line) + 1 for line in entry[:4]) <= left - 40 else []
        if not entry:
            break
        lines += entry
        left -= sum(len(line) + 1 for line in entry)
        shown += 1
    if shown < len(order):
        lines.append(f"\n[{len(order) - shown} more source files]")
    return {"text": "\n".join(lines), "files": len(sizes), "shown": shown, "source": len(texts)}


def _files(root: Path, below: str) -> list[str]:
    """List the files that git knows or would take; all where there is no git."""
    if (root / ".git").exists():
        options = ["-c", "core.fsmonitor=false", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--"]
        try:
            done = subprocess.run(["git", *options, below], cwd=root, capture_output=True, timeout=30, check=False)
        except (OSError, subprocess.TimeoutExpired):
            done = None
        if done is not None and done.returncode == 0:
            named = done.stdout.decode("utf-8", "replace").split("\0")
            found = sorted({name for name in named if name and SKIPPED.isdisjoint(PurePosixPath(name).parts)})
            return [name for name in found if (root / name).is_file() and not (root / name).is_symlink()][:MOST_FILES]
    return [name for name in walk(root, below) if not (root / name).is_symlink()][:MOST_FILES]


def _read(root: Path, sizes: dict[str, int]) -> tuple[dict[str, str], dict[str, list[Symbol]]]:
    texts: dict[str, str] = {}
    symbols: dict[str, list[Symbol]] = {}
    left = MOST_BYTES
    for name, size in sizes.items():
        language = SUFFIXES.get(PurePosixPath(name).suffix)
        if language is None or name.endswith(".min.js") or size > min(LARGEST, left):
            continue
        content = (root / name).read_bytes()
        if not is_binary(content):
            left -= size
            texts[name] = content.decode("utf-8", "replace")
            symbols[name] = outline(texts[name], language)
    return texts, symbols


def _rank(texts: dict[str, str], symbols: dict[str, list[Symbol]]) -> tuple[dict[str, float], dict[str, float]]:
    """Score names by how many other files use them, and files by what they define."""
    named: Counter[str] = Counter()
    defined: defaultdict[str, int] = defaultdict(int)
    for name, text in texts.items():
        named.update(_uses(name, text) | {symbol.name for symbol in symbols[name]})
        for symbol in {symbol.name for symbol in symbols[name]}:
            defined[symbol] += 1
    # Each file that defines a name uses it too; a name that many define says little about any of them.
    scores = {name: max(named[name] - count, 0) / count**2 for name, count in defined.items()}
    ranks: dict[str, float] = {}
    for name in texts:
        path = PurePosixPath(name)
        test = bool({"test", "tests", "__tests__", "spec"} & set(path.parts)) or path.name.startswith("test_")
        total = sum(scores.get(symbol, 0.0) for symbol in {each.name for each in symbols[name]})
        ranks[name] = total * (TEST_WEIGHT if test else 1.0)
    return scores, ranks


def _uses(name: str, text: str) -> set[str]:
    """Return the names that a file may use of others: in Python what it imports, or reaches by a dot."""
    if not name.endswith((".py", ".pyi")):
        return set(_WORD.findall(text))
    found: set[str] = set()
    for imported, attribute in _IMPORTED.findall(text):
        found.update(_WORD.findall(imported) if imported else [attribute])
    return found


def _entries(symbols: list[Symbol], scores: dict[str, float]) -> list[str]:
    public = [symbol for symbol in symbols if not symbol.name.startswith("_")]
    best = sorted(public, key=lambda symbol: (-scores.get(symbol.name, 0.0), symbol.line))[:MOST_SYMBOLS]
    lines: list[str] = []
    for symbol in sorted(best, key=lambda symbol: symbol.line):
        lines.append(f"  {symbol.line}: {symbol.signature}" + (f"  # {symbol.doc[:LONGEST_DOC]}" if symbol.doc else ""))
        if symbol.members:
            lines.append(f"      {', '.join(symbol.members[:15])}{', ...' if len(symbol.members) > 15 else ''}")
    if len(public) > len(best):
        lines.append(f"  [{len(public) - len(best)} more]")
    return lines


def _tree(sizes: dict[str, int], characters: int) -> list[str]:
    """List folders with the number and size of their files, as deep as there is room, and the files at the top."""
    lines: list[str] = []
    for depth in (1, 2, 3, 4):
        folders: dict[str, list[int]] = defaultdict(list)
        for name, size in sizes.items():
            parts = PurePosixPath(name).parts[:-1][:depth]
            folders["/".join(parts)].append(size)
        deeper = [
            f"{folder}/ {len(found)} files, {_size(sum(found))}" for folder, found in sorted(folders.items()) if folder
        ]
        top = [name for name in sizes if "/" not in name]
        deeper += [", ".join(top)] if top else []
        if lines and sum(len(line) + 1 for line in deeper) > characters:
            break
        lines = deeper
    while lines and sum(len(line) + 1 for line in lines) > characters:
        lines = [*lines[: len(lines) // 2], "[more folders]"] if len(lines) > 1 else [lines[0][:characters]]
    return lines


def _size(count: int) -> str:
    return f"{count} B" if count < 1000 else f"{count / 1000:.0f} kB" if count < 1e6 else f"{count / 1e6:.1f} MB"


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), sys.argv[2])))  # noqa: T201 - this is its output
