"""The process that searches: `python -I -S search_child.py PATTERN GLOB MOST`, in the folder to search; JSON out."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

# Started without site-packages, so the package is found from this file. At the end of the path, since the names of
# its modules are common words.
sys.path.append(str(Path(__file__).resolve().parent.parent))

from tools.tree import compile_glob, is_binary, walk

LARGEST = 10 << 20
LONGEST_LINE = 400


def main(pattern: str, glob: str, most: int) -> dict:
    """Return the matches as `search_files` reports them."""
    wanted, named = re.compile(pattern), compile_glob(glob)
    root = Path.cwd().resolve()
    matches: list[dict] = []
    searched = 0
    for path in walk(root):
        # What a link leads to is searched where it is.
        if not named.fullmatch(path) or (root / path).is_symlink():
            continue
        try:
            if (root / path).stat().st_size > LARGEST:
                continue
            content = (root / path).read_bytes()
        except OSError:  # removed meanwhile, or not ours to read
            continue
        searched += 1
        if is_binary(content[:8192]):
            continue
        lines = content.decode("utf-8", "replace").split("\n")
        for number, line in enumerate(lines if lines[-1] else lines[:-1], 1):
            if wanted.search(line):
                if len(matches) == most:
                    return {"matches": matches, "files_searched": searched, "truncated": True}
                matches.append({"path": path, "line": number, "text": line.rstrip("\r")[:LONGEST_LINE]})
    return {"matches": matches, "files_searched": searched, "truncated": False}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], int(sys.argv[3]))))  # noqa: T201 - this is its output
