"""What is started for each command: `python -I -S child.py ORDER COMMAND...`; `supervise` says what it does.

This file is read and compiled each time, which the modules that it imports are not.
"""

from __future__ import annotations

import os
import sys

# Started without site-packages, so the package is found from this file. At the end of the path, since the names of
# its modules are common words.
sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))  # noqa: PTH100, PTH120

from tools.sandbox.supervise import start

if __name__ == "__main__":
    start(sys.argv[1], sys.argv[2:])
