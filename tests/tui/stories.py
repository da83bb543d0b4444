"""States of the app that pictures are taken of: each brings the app there and leaves it still."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from stage import MOMENT, WORKSPACE, StagedDesk, at, session, settled, still, until
from textual.pilot import Pilot
from textual.widgets import TextArea

from nexus_agents.core import events as ev
from nexus_agents.core.budget import Limits
from nexus_agents.core.history import ChannelChange, CheckpointInfo
from nexus_agents.core.runs import RunError
from tui.app import NexusApp
from tui.cards import ApprovalCard

RUN = "0314-0926-1f0c3a"
MODEL = "ollama:qwen3:8b"
REQUEST = "create a user API with name and email"

Story = Callable[[NexusApp, Pilot[None], StagedDesk], Awaitable[None]]

# -- events -------------------------------------------------------------------------------------------


def started(request: str = REQUEST, run_id: str = RUN) -> ev.RunStarted:
    why = "a server of this machine: Ollama at http://127.0.0.1:11434"
    return ev.RunStarted(
        run_id=run_id, graph="assistant", request=request, workspace=WORKSPACE, model=MODEL, model_reason=why
    )


def agent(name: str, task: str) -> ev.AgentStarted:
    return ev.AgentStarted(agent=name, task=task, model=MODEL)


def call(tool: str, call_id: str, name: str = "backend", **arguments: Any) -> ev.ToolStarted:
    return ev.ToolStarted(agent=name, tool=tool, call_id=call_id, arguments=arguments, at=at(10))


def ended(tool: str, call_id: str, summary: str, *, ok: bool = True, seconds: float = 0.2, hint: str = "") -> Any:
    error = None if ok else RunError(message=summary, hint=hint)
    return ev.ToolFinished(
        agent="backend", tool=tool, call_id=call_id, ok=ok, summary=summary, seconds=seconds, error=error
    )


def said(name: str, text: str, **data: Any) -> ev.Message:
    return ev.Message(agent=name, text=text, data=data)


def used(name: str, tokens_in: int, tokens_out: int) -> ev.Usage:
    return ev.Usage(agent=name, model=MODEL, input_tokens=tokens_in, output_tokens=tokens_out)


def finished(status: Any = "done", run_id: str = RUN, **more: Any) -> ev.RunFinished:
    return ev.RunFinished(run_id=run_id, status=status, seconds=41.5, **more)


def asked(risk: str = "execute", call_id: str = "t1", **arguments: Any) -> ev.ApprovalAsked:
    return ev.ApprovalAsked(
        approval_id=f"ask-{call_id}",
        agent="testing",
        tool="run_command",
        call_id=call_id,
        risk=risk,
        arguments=arguments or {"command": "python -m pytest -q tests/test_users.py", "timeout": 120},
        question="May testing run run_command?",
        how=f"nexus resume {RUN} --yes",
        kind="run_command(python -m pytest)" if risk == "execute" else "",
    )


def asked_voice() -> ev.ApprovalAsked:
    return ev.ApprovalAsked(
        approval_id="ask-voice",
        agent="media",
        tool="clone_voice",
        call_id="v1",
        risk="identity",
        arguments={"reference_audio": "examples/reference.wav", "name": "host"},
        question="May media imitate the voice in examples/reference.wav?",
        how="nexus voices consent examples/reference.wav --speaker NAME --approved-by NAME",
    )


def asked_unknown() -> ev.ApprovalAsked:
    return ev.ApprovalAsked(
        approval_id="ask-cut",
        agent="media",
        tool="publish",
        call_id="p1",
        risk="unknown_outcome",
        arguments={"page": "https://example.org/tides"},
        question="publish was cut off and nobody knows whether it took effect. Run it again?",
        how=f"nexus resume {RUN} --unknown again, or done, or skip",
    )


def step(number: int, wrote: str, changed: str = "", inside: str = "", **more: Any) -> CheckpointInfo:
    return CheckpointInfo(
        number=number,
        checkpoint_id=f"1f1eb949-0000-6000-8000-0000000000{number:02}",
        thread_id=RUN,
        namespace="|".join(f"{node}:1" for node in inside.split()),
        at=at(number),
        wrote=wrote.split(),
        changed=changed.split(),
        **{"source": "loop", **more},
    )


STEPS = [
    step(1, "", source="input"),
    step(2, "__start__", "request"),
    step(3, "", inside="answer tools", source="input"),
    step(4, "planning", "plan reports round", "answer tools"),
    step(5, "backend frontend", "reports", "answer tools", left=True),
    step(6, "", "", "answer tools", damaged="Checkpoint 1f1eb949 cannot be read: it is cut short."),
    step(7, "backend frontend", "reports", "answer tools"),
    step(8, "answer", "messages"),
]

CHANGES = [
    ChannelChange(
        channel="messages",
        kind="changed",
        says="2 new elements",
        elements=["human: create a user API", "ai: [calls build_app]"],
    ),
    ChannelChange(channel="round", kind="changed", says="0 -> 1"),
    ChannelChange(channel="note", kind="changed", says="1 lines added, 1 removed", diff="-one\n+two"),
]

PLAN = {
    "title": "User API",
    "entities": [{"name": "user", "fields": [{"name": "name"}, {"name": "email"}]}],
    "files": ["app/main.py", "app/models.py", "tests/test_users.py"],
    "acceptance": ["a user is stored", "an email is unique"],
}

BUILT: list[Any] = [
    started(),
    agent("planning", REQUEST),
    used("planning", 262, 1252),
    ev.AgentFinished(agent="planning", summary="a JSON interface over SQL, pages and tests"),
    said("planning", "A web application that keeps users: a JSON interface over SQL, pages and tests.", **PLAN),
    agent("backend", "Build the backend of this plan."),
    call("write_file", "w1", path="app/models.py", content="..."),
    ended("write_file", "w1", "created app/models.py (19 lines)", seconds=0.01),
    call("write_file", "w2", path="app/main.py", content="..."),
    ended("write_file", "w2", "created app/main.py (43 lines)", seconds=0.01),
    used("backend", 1406, 4174),
]

WAITING: list[Any] = [
    *BUILT,
    agent("testing", "Write the tests of this plan and run them."),
    asked(),
    finished("waiting"),
]

VERDICT = """\
**Verdict: yes.** 2^61 - 1 = 2305843009213693951 is prime.

| debater | position | check |
|---|---|---|
| debater-1 | prime | Lucas-Lehmer, 59 steps, remainder 0 |
| debater-2 | prime | no divisor of the form 122k + 1 below its square root |

```python
s = 4
for _ in range(59):
    s = (s * s - 2) % (2**61 - 1)
assert s == 0
```
"""

DEBATE: list[Any] = [
    started("debate: is 2^61 - 1 prime?"),
    agent("debater-1", "Round 1 of 2"),
    said("debater-1", "It is a Mersenne number with a prime exponent, so the Lucas-Lehmer test decides: **prime**."),
    agent("debater-2", "Round 1 of 2"),
    said("debater-2", "Every divisor has the form 2·61·k + 1. I tried them all up to the root: *none* divides it."),
    agent("judge", "Decide"),
    used("judge", 812, 304),
    said("judge", VERDICT),
    finished(next=["nexus show 0314-0926-1f0c3a"]),
]

FAILED: list[Any] = [
    *BUILT,
    call("run_tests", "r1", path=""),
    ended(
        "run_tests",
        "r1",
        "2 failed, 18 passed in 3.1 s: tests/test_users.py::test_email_is_unique",
        ok=False,
        seconds=3.4,
        hint="The report is in REPORT.xml; the agent reads it and mends the code.",
    ),
    ev.Retried(what="ollama", attempt=1, wait=2.0, reason="connection refused"),
    finished("failed", error=RunError(message="The budget of 20 turns is used up.", hint="Raise budget.turns.")),
]

PODCAST: list[Any] = [
    started("make a podcast about examples/notes.md"),
    agent("media", "make a podcast about examples/notes.md"),
    said("media", "Two voices, six minutes: *why a tide comes twice a day*."),
    call("make_podcast", "p1", "media", source="examples/notes.md", minutes=6),
    ended("make_podcast", "p1", "6 min 4 s, -16.0 LUFS, two voices", seconds=38.0),
    ev.ArtifactMade(call_id="p1", path=f"{WORKSPACE}/tides.mp3", kind="audio", title="Tides", bytes=5_824_113),
    ev.ArtifactMade(call_id="p1", path=f"{WORKSPACE}/tides.md", kind="text", title="Script", bytes=8_211),
    finished(next=["ffplay /home/ada/shop/tides.mp3"]),
]

# -- stories ------------------------------------------------------------------------------------------


async def home(app: NexusApp, pilot: Pilot[None], desk: StagedDesk) -> None:
    await settled(pilot)


async def unfinished(app: NexusApp, pilot: Pilot[None], desk: StagedDesk) -> None:
    await desk.add("0314-0800-000001", "clone this voice examples/reference.wav", *WAITING, status="waiting")
    for number in range(2, 6):
        long = "a web application that keeps books, shelves, readers, loans and reminders, with pages for all of them"
        await desk.add(f"0314-0700-00000{number}", f"create {long}", status="interrupted", created_at=at(-number))
    app.screen.fill()  # type: ignore[attr-defined]
    await until(pilot, lambda: app.screen.query("_Offer"))
    await settled(pilot)


async def built(app: NexusApp, pilot: Pilot[None], desk: StagedDesk) -> None:
    made = ev.ArtifactMade(call_id="deliver", path=WORKSPACE, kind="code", title="User API", bytes=0)
    next_ = [f"cd {WORKSPACE}", "python -m uvicorn app.main:app"]
    await desk.add(
        RUN, REQUEST, *BUILT, made, said("assistant", "User API is ready: **20 tests** pass."), finished(next=next_)
    )
    await session(app, pilot, RUN)


async def streaming(app: NexusApp, pilot: Pilot[None], desk: StagedDesk) -> None:
    await desk.add(RUN, REQUEST, *BUILT, status="running")
    desk.go(RUN)
    await session(app, pilot, RUN)
    await desk.play(
        RUN,
        call("run_tests", "r1", path=""),
        ev.ToolProgress(tool="run_tests", call_id="r1", fraction=0.4, text="8 of 20 tests"),
        agent("review", "Review what was built for this plan."),
        *(ev.TextChunk(agent="review", text=part) for part in ("# Find", "ings\n\n1. The email", " is **not uni")),
    )
    await settled(pilot)


async def spoken_to(app: NexusApp, pilot: Pilot[None], desk: StagedDesk) -> None:
    paid = [event.model_copy(update={"cost": 0.0123}) if isinstance(event, ev.Usage) else event for event in BUILT]
    budget = Limits(turns=5, money=1, tokens=50_000)
    await desk.add(RUN, REQUEST, *paid, status="running", budget=budget)
    desk.go(RUN)
    await session(app, pilot, RUN)
    output = "collecting ...\ntests/test_users.py::test_a_user_is_stored PASSED\ntests/test_users.py::test_email"
    await desk.play(
        RUN,
        ev.UserSaid(text="the email must be unique, whatever its case", at=at(11)),
        used("backend", 900, 40).model_copy(update={"at": at(14), "cost": 0.004}),
        ev.FellBack(agent="testing", model="openai:gpt-5", to=MODEL, reason="connection refused"),
        ev.Compacted(agent="testing", model=MODEL, before=34_100, after=18_200, context=32_768),
        ev.Repaired(
            agent="testing", what="The arguments of write_file are not valid JSON: make the call again, whole."
        ),
        call("run_command", "c1", "testing", command="python -m pytest -v"),
        ev.ToolProgress(tool="run_command", call_id="c1", fraction=0.1, text=output),
        ev.UserSaid(text="and use uv", at=at(19)),
    )
    await settled(pilot)


async def approval(app: NexusApp, pilot: Pilot[None], desk: StagedDesk) -> None:
    await desk.add(RUN, REQUEST, *WAITING, status="waiting")
    screen = await session(app, pilot, RUN)
    await until(pilot, lambda: screen.focused is not None and "ApprovalCard" in screen.focused.classes)
    await settled(pilot)


async def consent(app: NexusApp, pilot: Pilot[None], desk: StagedDesk) -> None:
    events = [started("clone this voice examples/reference.wav"), asked_voice(), finished("waiting")]
    await desk.add(RUN, "clone this voice examples/reference.wav", *events, status="waiting", origin="/nowhere")
    screen = await session(app, pilot, RUN)
    card = screen.feed.waiting[0]
    assert isinstance(card, ApprovalCard)
    app.ask_consent(card, screen)
    await until(pilot, lambda: app.screen.query("#consent-form"))
    await settled(pilot)


async def failed(app: NexusApp, pilot: Pilot[None], desk: StagedDesk) -> None:
    await desk.add(RUN, REQUEST, *FAILED, status="failed")
    await session(app, pilot, RUN)


async def resumed(app: NexusApp, pilot: Pilot[None], desk: StagedDesk) -> None:
    goes_on = [
        ev.RunResumed(run_id=RUN, finished_calls=2),
        call("run_tests", "r1"),
        ended("run_tests", "r1", "20 passed", seconds=2.7),
        finished(),
    ]
    await desk.add(RUN, REQUEST, *WAITING, *goes_on)
    await session(app, pilot, RUN)


async def cut_off(app: NexusApp, pilot: Pilot[None], desk: StagedDesk) -> None:
    await desk.add(RUN, REQUEST, *BUILT, call("run_tests", "r1", path="tests"), status="running")
    screen = await session(app, pilot, RUN)
    await until(pilot, lambda: screen.feed.status == "interrupted")
    await settled(pilot)


async def debate(app: NexusApp, pilot: Pilot[None], desk: StagedDesk) -> None:
    await desk.add(RUN, "debate: is 2^61 - 1 prime?", *DEBATE)
    await session(app, pilot, RUN)


async def podcast(app: NexusApp, pilot: Pilot[None], desk: StagedDesk) -> None:
    await desk.add(RUN, "make a podcast about examples/notes.md", *PODCAST)
    await session(app, pilot, RUN)


async def long_session(app: NexusApp, pilot: Pilot[None], desk: StagedDesk) -> None:
    lines = [said("backend", f"Step {number}: nothing new.") for number in range(300)]
    await desk.add(RUN, REQUEST, *BUILT, *lines, finished())
    screen = await session(app, pilot, RUN)
    screen.transcript.focus()

    def resting() -> bool:
        return not screen.transcript._moving.locked()

    await until(pilot, lambda: screen.transcript.at_end and resting())
    await settled(pilot)
    for _ in range(2):
        # The second one goes on from where the first has come to rest.
        before = screen.transcript.scroll_y
        await pilot.press("pageup")
        await until(pilot, lambda before=before: screen.transcript.scroll_y < before and resting())
        await until(pilot, lambda: screen.transcript.scroll_y == screen.transcript.scroll_target_y)
        await settled(pilot)


async def runs(app: NexusApp, pilot: Pilot[None], desk: StagedDesk) -> None:
    states = ["done", "waiting", "failed", "interrupted", "running", "cancelled", "queued"]
    requests = [REQUEST, "debate: is 2^61 - 1 prime?", "make a podcast about examples/notes.md", "list voices " * 12]
    for number in range(30):
        when = MOMENT - timedelta(hours=7 * number)
        await desk.add(
            f"0314-0926-{number:06x}",
            requests[number % len(requests)],
            status=states[number % len(states)],
            created_at=when,
            title="the one for the talk" if number == 3 else None,
        )
    await pilot.press("ctrl+r")
    await until(pilot, lambda: app.screen.query("RunsScreen #runs") or app.screen.query("#runs"))
    await settled(pilot)


async def rename(app: NexusApp, pilot: Pilot[None], desk: StagedDesk) -> None:
    await runs(app, pilot, desk)
    await pilot.press("f2")
    await until(pilot, lambda: app.screen.query("#name"))
    await settled(pilot)


async def help_page(app: NexusApp, pilot: Pilot[None], desk: StagedDesk) -> None:
    await pilot.press("f1")
    await settled(pilot)


async def panel(app: NexusApp, pilot: Pilot[None], desk: StagedDesk) -> None:
    await built(app, pilot, desk)
    await pilot.press("f4")
    await settled(pilot)


async def denying(app: NexusApp, pilot: Pilot[None], desk: StagedDesk) -> None:
    await approval(app, pilot, desk)
    await pilot.press("f3", "n", *"use uv")
    await settled(pilot)


async def editing(app: NexusApp, pilot: Pilot[None], desk: StagedDesk) -> None:
    await approval(app, pilot, desk)
    await pilot.press("f3", "e")
    await until(pilot, lambda: app.screen.query("Arguments TextArea"))
    # Textual draws a line again as it was when its cursor was off in a blink, if the blinking ends only after that.
    still(app)
    await settled(pilot)
    area = app.screen.query_one("Arguments TextArea", TextArea)
    area.text = '{\n  "command": "uv run pytest -q tests/test_users.py",\n}'
    await pilot.press("ctrl+s")
    await until(pilot, lambda: "no JSON" in str(app.screen.query_one("Arguments .wrong").shown))  # type: ignore[attr-defined]
    await settled(pilot)


async def no_memory(app: NexusApp, pilot: Pilot[None], desk: StagedDesk) -> None:
    from tui.messages import DeskFailed

    app.screen.post_message(DeskFailed("The folder of Nexus cannot be made: /nexus\nSet NEXUS_HOME to another one."))
    await settled(pilot)


async def unknown(app: NexusApp, pilot: Pilot[None], desk: StagedDesk) -> None:
    question = asked_unknown()
    await desk.add(RUN, REQUEST, started(), question, finished("waiting"), status="waiting")
    screen = await session(app, pilot, RUN)
    await until(pilot, lambda: screen.focused is not None and "ApprovalCard" in screen.focused.classes)
    await settled(pilot)


async def history(app: NexusApp, pilot: Pilot[None], desk: StagedDesk) -> None:
    await desk.add(RUN, REQUEST, *BUILT, finished())
    await session(app, pilot, RUN)
    desk.steps, desk.changed = STEPS, CHANGES
    await pilot.press("f8")
    await until(
        pilot, lambda: app.screen.query("#steps") and "new element" in str(app.screen.query_one("#changes").shown)
    )  # type: ignore[attr-defined]
    await settled(pilot)


async def rewinding(app: NexusApp, pilot: Pilot[None], desk: StagedDesk) -> None:
    await history(app, pilot, desk)
    await pilot.press("up", "r")
    await until(pilot, lambda: app.screen.query("#yes"))
    await settled(pilot)


async def more(app: NexusApp, pilot: Pilot[None], desk: StagedDesk) -> None:
    stopped = RunError(message="The budget of this run is used up, 2 turns.", hint="Give it more.", exit_code=4)
    spent = [started(), used("planning", 900, 40), used("backend", 1200, 300), finished("interrupted", error=stopped)]
    spent = [event.model_copy(update={"at": at(50 * place), "cost": 0.1}) for place, event in enumerate(spent)]
    await desk.add(RUN, REQUEST, *spent, status="interrupted", budget=Limits(turns=2, money=0.5))
    await session(app, pilot, RUN)
    await pilot.press("f5")
    await until(pilot, lambda: app.screen.query("#budget-form"))
    await settled(pilot)


WIDE, SMALL = (120, 40), (80, 24)

PICTURES: list[tuple[Story, tuple[int, int]]] = [
    *(
        (story, size)
        for story in (unfinished, built, streaming, spoken_to, approval, consent)
        for size in (SMALL, WIDE)
    ),
    *((story, size) for story in (unknown, history) for size in (SMALL, WIDE)),
    (rewinding, SMALL),
    *((story, size) for story in (debate, runs, rename, help_page, home) for size in (SMALL, WIDE)),
    *((story, SMALL) for story in (no_memory, failed, resumed, cut_off, long_session, panel, denying, editing, more)),
    (podcast, WIDE),
]

SCREENSHOTS = {"unfinished": "home", "approval": "session", "podcast": "podcast", "debate": "debate", "runs": "runs"}
"""Pictures that the documentation shows, 120 by 40, and their names there."""
