"""The speech process: it answers, survives being killed, is ended when it hangs, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from nexus_agents.core.errors import BackendDown, InputError
from tools.speech.process import SpeechProcess
from tools.speech.protocol import SpeechRequest, Utterance

HELLO = SpeechRequest("Hello brave new world.", "gmw/en-US")
ROOT = Path(__file__).parents[3]


def ended(process: psutil.Process) -> bool:
    """Wait up to 5 seconds for a process to end; one that nobody has fetched yet counts as ended."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


async def test_it_speaks_and_marks_words(process: SpeechProcess) -> None:
    utterance = await process.speak(HELLO)
    assert utterance.sample_rate == 22050
    assert 1.0 < len(utterance.pcm) / 2 / utterance.sample_rate < 3.0
    words = [HELLO.text[mark.position :][: mark.length] for mark in utterance.marks]
    assert words == ["Hello", "brave", "new", "world"]
    assert [mark.seconds for mark in utterance.marks] == sorted(mark.seconds for mark in utterance.marks)


async def test_the_same_text_gives_the_same_sound(process: SpeechProcess) -> None:
    first = await process.speak(HELLO)
    await process.speak(SpeechRequest("Something else, by somebody else.", "gmw/de+f5"))
    assert await process.speak(HELLO) == first
    await process.aclose()
    assert await process.speak(HELLO) == first


async def test_many_at_once_get_their_own_answers(process: SpeechProcess) -> None:
    texts = ["One.", "One, two.", "One, two, three.", "One, two, three, four."]
    alone = [await process.speak(SpeechRequest(text, "gmw/en-US")) for text in texts]
    together = await asyncio.gather(*(process.speak(SpeechRequest(text, "gmw/en-US")) for text in texts))
    assert together == alone


async def test_killed_between_requests_it_is_started_again(process: SpeechProcess) -> None:
    first = await process.speak(HELLO)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    assert await process.speak(HELLO) == first


async def test_killed_during_a_request_it_is_started_again(process: SpeechProcess) -> None:
    await process.version()
    pid = process.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    asked = asyncio.create_task(process.speak(HELLO))
    await asyncio.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    assert (await asked).marks
    assert process.pid != pid


async def test_dying_again_and_again_is_reported() -> None:
    complaint = "import sys; sys.stderr.write('out of luck\\n'); sys.exit(3)"
    process = SpeechProcess([sys.executable, "-c", complaint])
    with pytest.raises(BackendDown, match="out of luck"):
        await process.speak(HELLO)
    await process.aclose()


async def test_hanging_is_reported_in_time_and_the_group_is_ended() -> None:
    child = "import subprocess, time; subprocess.Popen(['sleep', '60']); time.sleep(60)"
    process = SpeechProcess([sys.executable, "-c", child], time_limit=0.8)
    began = time.monotonic()
    asked = asyncio.create_task(process.speak(HELLO))
    await asyncio.sleep(0.5)
    assert process.pid is not None
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    with pytest.raises(BackendDown, match="did not answer"):
        await asked
    assert time.monotonic() - began < 3
    assert len(family) == 2
    assert all(ended(one) for one in family)
    await process.aclose()


async def test_a_cancelled_request_does_not_answer_the_next(process: SpeechProcess) -> None:
    await process.version()
    long = asyncio.create_task(process.speak(SpeechRequest("A long story. " * 2000, "gmw/en-US")))
    await asyncio.sleep(0.02)
    long.cancel()
    with pytest.raises(asyncio.CancelledError):
        await long
    assert len((await process.speak(HELLO)).marks) == 4


async def test_an_unknown_voice_is_refused(process: SpeechProcess) -> None:
    with pytest.raises(InputError, match="no voice 'xx/nowhere'"):
        await process.speak(SpeechRequest("Hello.", "xx/nowhere"))


def test_another_event_loop_may_use_it() -> None:
    process = SpeechProcess()
    lengths = {len(asyncio.run(_once(process)).pcm) for _ in range(2)}
    assert len(lengths) == 1


async def _once(process: SpeechProcess) -> Utterance:
    try:
        return await process.speak(HELLO)
    finally:
        if process.pid:
            await process.aclose()


def test_it_ends_when_its_input_closes() -> None:
    worker = subprocess.Popen(
        [sys.executable, "-P", "-m", "tools.speech.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    worker.communicate(timeout=10)
    assert worker.returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
def test_it_dies_with_its_parent() -> None:
    parent = (
        "import asyncio, sys\n"
        "from tools.speech.process import SpeechProcess\n"
        "async def main():\n"
        "    process = SpeechProcess()\n"
        "    await process.version()\n"
        "    print(process.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    caller = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, env=env)
    assert caller.stdout is not None
    worker = psutil.Process(int(caller.stdout.readline()))
    caller.kill()
    caller.wait()
    assert ended(worker)


def test_the_library_is_loaded_by_the_worker_alone() -> None:
    code = (
        "import sys, tools.speak, tools.clone_voice, tools.list_voices, tools.assemble_podcast, tools.speech.engine\n"
        "print([m for m in ('espeakng_loader', 'numpy', 'scipy', 'pyworld', 'soundfile') if m in sys.modules])"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert shown.stdout.strip() == "[]"
