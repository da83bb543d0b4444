"""How many threads numpy's linear algebra takes: one, while a text is embedded.

The matrices of one sentence are so small that threads wait for each other longer than they compute, and on a busy
machine many times as long.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

__all__ = ["one_thread"]

_PREFIXES = ("scipy_openblas", "openblas")
_SUFFIXES = ("64_", "_64", "")


@contextmanager
def one_thread() -> Generator[None]:
    """Let numpy compute on one thread within the block; nothing happens where its library is not OpenBLAS."""
    functions = _openblas()
    before = functions[0]() if functions else 1
    if not functions or before == 1:
        yield
        return
    functions[1](1)
    try:
        yield
    finally:
        functions[1](before)


@cache
def _openblas() -> tuple[Callable[[], int], Callable[[int], None]] | None:
    import numpy as np

    # Numpy's wheels bring their own copy beside the package; it is loaded already, and is only looked up here.
    for path in sorted(Path(np.__file__).parent.parent.glob("numpy.libs/*openblas*")):
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        for prefix in _PREFIXES:
            for suffix in _SUFFIXES:
                get = getattr(library, f"{prefix}_get_num_threads{suffix}", None)
                put = getattr(library, f"{prefix}_set_num_threads{suffix}", None)
                if get is not None and put is not None:
                    return get, put
    return None
