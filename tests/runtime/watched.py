"""Every tool of Nexus, watched from outside its ledger: each start and end is a line in $NEXUS_WATCH.

agents.yaml names `watched:TOOL` in place of each tool, so that a call counts where its effect is made.
"""

from __future__ import annotations

import functools
import json
import os
import time
from dataclasses import replace
from typing import Any

from nexus_agents.core.registry import load_dotted
from nexus_agents.core.tool import Job, tool_spec
from nexus_agents.runtime.wiring import TOOLS


def __getattr__(name: str) -> Any:
    if name not in TOOLS:
        raise AttributeError(name)
    original = load_dotted(TOOLS[name], "tool")

    @functools.wraps(original)
    async def watched(job: Job, **arguments: Any) -> Any:
        _write(job, name, "start")
        result = await original(job, **arguments)
        _write(job, name, "end")
        return result

    watched.__tool__ = replace(tool_spec(original), function=watched)
    return watched


def _write(job: Job, name: str, what: str) -> None:
    line = {"call": job.call_id, "run": job.run_id, "tool": name, "what": what, "at": time.time(), "pid": os.getpid()}
    # One write to a file opened for appending: a SIGKILL leaves the whole line or none.
    descriptor = os.open(os.environ["NEXUS_WATCH"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, (json.dumps(line) + "\n").encode())
    finally:
        os.close(descriptor)
