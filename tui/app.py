"""The Textual app: screens over the same runtime and events as the command line; it works no run itself."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import work
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.worker import Worker, WorkerState

from nexus_agents.core.errors import InputError, NexusError
from tui.ending import Ending
from tui.messages import DeskFailed, DeskOpened, OpenSession, StartSession
from tui.player import Player
from tui.screens.home import HomeScreen
from tui.screens.session import SessionScreen
from tui.widgets.plain import clean

if TYPE_CHECKING:
    from textual.message import Message
    from textual.notifications import SeverityLevel
    from textual.screen import Screen

    from nexus_agents.core.budget import Limits
    from nexus_agents.core.runs import Run, ToolCall
    from nexus_agents.runtime.desk import Desk
    from nexus_agents.runtime.settings import Settings
    from tui.answers import Answers
    from tui.cards import ApprovalCard

__all__ = ["NexusApp", "run"]

TWICE = 2.0
"""Seconds within which ctrl+c must be pressed again to quit."""

NOTE = 300
"""Characters of a note and of its title."""

LET_GO = 5.0
"""Seconds that a process which has just asked a question may take to end before an answer is sent."""


class NexusApp(Ending):
    """Home, sessions, and the list of runs.

    Args:
        settings: Folders and agents.yaml; found as the command line does by default.

    Attributes:
        desk: Runs of this installation, once the memory is open.
        sandbox: What programs are held to here, in one word.
    """

    CSS_PATH = "nexus.tcss"
    TITLE = "Nexus"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "stop", "Quit (twice)", priority=True, show=False),
        Binding("f1", "help", "Help"),
    ]

    def __init__(self, settings: Settings | None = None, workspace: Path | None = None) -> None:
        super().__init__()
        self._settings = settings
        self.workspace = workspace
        self.desk: Desk | None = None
        self.sandbox = ""
        self._player = Player()
        self._pressed = -TWICE
        self._leaving = asyncio.Event()
        self._memory: asyncio.Task[None] | None = None

    def on_mount(self) -> None:
        """Paint first, then open the memory."""
        self.listen()
        self.push_screen(HomeScreen())
        self.call_after_refresh(self._open)

    async def on_unmount(self) -> None:
        """Close the memory; runs go on in their own processes."""
        self._player.stop()
        self._leaving.set()
        if self._memory is not None:
            if self.desk is None:
                # It is being opened, or cannot be: nobody waits for that any more.
                self._memory.cancel()
            with suppress(asyncio.CancelledError):
                await self._memory

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Tell of a worker that failed, and go on."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.tell(event.worker.error)

    # -- memory -------------------------------------------------------------------------------------

    def _open(self) -> None:
        # No worker of Textual, which would be cancelled in the middle of closing.
        self._memory = asyncio.create_task(self._hold_memory(), name="memory")

    async def _hold_memory(self) -> None:
        try:
            # Importing the database takes half a second: the screen is there already.
            open_desk, ensure_host, load_settings = await asyncio.to_thread(_import_desk)
            settings = self._settings or load_settings()
            # Trying it takes as long as opening the memory.
            sandbox = asyncio.create_task(asyncio.to_thread(_sandbox_of, settings))
            async with open_desk(settings) as desk:
                self.sandbox = await sandbox
                self.desk = desk
                await asyncio.to_thread(ensure_host, settings.home)
                self._announce(DeskOpened)
                await self._leaving.wait()
        except Exception as error:
            self.tell(error)
            why = str(error)
            self._announce(lambda: DeskFailed(why))
        finally:
            self.desk = None

    def _announce(self, make: Callable[[], Message]) -> None:
        for screen in self.screen_stack:
            screen.post_message(make())

    def find_model(self) -> tuple[str, str]:
        """Return the model that will be used and why (looks for local servers: call it in a thread)."""
        from nexus_agents.runtime.checks import model_and_reason

        assert self.desk is not None
        return model_and_reason(self.desk.settings.config)

    async def runs_of(self, thread_id: str) -> list[Run]:
        """Return the runs of a thread, oldest first."""
        if self.desk is None:
            return []
        return list(reversed(await self.desk.runtime.memory.runs.list(limit=500, thread_id=thread_id)))

    async def call(self, run_id: str, call_id: str) -> ToolCall | None:
        """Return a tool call as the ledger has it."""
        return await self.desk.runtime.memory.ledger.find(run_id, call_id) if self.desk else None

    # -- what screens ask for -----------------------------------------------------------------------

    async def start(self, request: str, thread_id: str | None = None) -> Run:
        """Start a run, in a thread or in a new one; a thread keeps its folder."""
        if self.desk is None:
            raise NexusError("The memory is not open yet.", "Try again in a moment.")
        workspace = None if thread_id else self.workspace
        return await self.desk.start(request, thread_id=thread_id, workspace=workspace)

    async def say(self, run_id: str, text: str) -> None:
        """Say something to a run that is at work, or waits.

        Raises:
            NexusError: It has ended.
        """
        if self.desk is None:
            raise NexusError("The memory is not open yet.", "Try again in a moment.")
        await self.desk.say(run_id, text)

    async def work_on(self, run_id: str, answers: Answers | None = None, budget: Limits | None = None) -> None:
        """Have a run worked from where it stands.

        Raises:
            NexusError: It has ended, or is being worked on.
        """
        if self.desk is None:
            return
        # The process that asked shows its question a moment before it ends.
        until = asyncio.get_running_loop().time() + LET_GO
        while asyncio.get_running_loop().time() < until:
            run = await self.desk.runtime.memory.runs.get(run_id)
            if run is None or not await self.desk.is_worked(run):
                break
            await asyncio.sleep(0.1)
        await self.desk.work(
            run_id,
            answers=answers.decisions if answers else None,
            approved=answers.risks if answers else [],
            budget=budget,
        )

    async def on_start_session(self, event: StartSession) -> None:
        """Start a run and show its session."""
        try:
            begun = await self.start(event.request)
        except NexusError as error:
            self.tell(error)
            return
        await self._show_session(begun.thread_id)

    async def on_open_session(self, event: OpenSession) -> None:
        """Show a session, resumed where that was asked."""
        if self.desk is None:
            return
        try:
            found = await self.desk.runtime.memory.runs.get(event.run_id)
            if found is None:
                raise InputError(f"There is no run {event.run_id} any more.", "ctrl+r lists the runs.")
            if event.resume:
                await self.desk.work(found.id)
        except NexusError as error:
            self.tell(error)
            return
        await self._show_session(found.thread_id)

    async def _show_session(self, thread_id: str) -> None:
        # One session is followed at a time: what lies below it would be drawn for nobody.
        await self.action_home()
        await self.push_screen(SessionScreen(thread_id))

    @work(exit_on_error=False)
    async def start_fresh(self, old: Run) -> None:
        """Give an unfinished run up and begin its request anew."""
        if self.desk is None:
            return
        await self.desk.runtime.cancel(old.id)
        begun = await self.desk.start(
            old.request, graph=old.graph, inputs=old.inputs, workspace=Path(old.workspace), model=old.model
        )
        await self._show_session(begun.thread_id)

    @work(exit_on_error=False)
    async def ask_consent(self, card: ApprovalCard, session: SessionScreen) -> None:
        """Let the person record a consent; then the run goes on."""
        from tui.screens.consent import ConsentScreen

        if self.desk is None:
            return
        found = await self.desk.runtime.memory.runs.get(session.feed.run_id)
        if found is not None and await self.push_screen_wait(ConsentScreen(found, card)):
            card.answered = "consent recorded"
            card.version += 1
            session.mark(card)
            await session.go_on()

    def open_path(self, path: str) -> None:
        """Play audio, open anything else with the program of the desktop, or say where it lies."""
        try:
            self.notify(f"{self._player.open(path)} {Path(path).name}")
        except NexusError as error:
            self.tell(error)

    def tell(self, error: BaseException) -> None:
        """Show an error: what is wrong, and what to do."""
        if isinstance(error, NexusError):
            self.notify(error.hint or "See the log.", title=error.message, severity="error", timeout=12)
            return
        logging.getLogger("nexus").error("a fault of the app", exc_info=error)
        log = f"The log has more: {self.desk.settings.log_file}" if self.desk else "See the log: nexus doctor"
        self.notify(log, title=f"A fault of the app: {error}", severity="error", timeout=12)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a note; what it quotes may have been written by anybody, so that it is never markup."""
        super().notify(
            clean(message)[:NOTE], title=clean(title)[:NOTE], severity=severity, timeout=timeout, markup=False
        )

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Offer what the keys do in the palette too."""
        yield from super().get_system_commands(screen)
        yield SystemCommand("New", "Go home and begin something new", self.action_home)
        yield SystemCommand("Runs", "Search, open, rename and delete runs", self.action_runs)
        yield SystemCommand("Help", "Show the keys", self.action_help)
        if isinstance(screen, SessionScreen):
            yield SystemCommand("Resume", "Go on with a run that was cut off", screen.action_resume)
            yield SystemCommand("Interrupt", "Stop the run; it stays resumable", screen.interrupt)
            yield SystemCommand("Budget", "Let the run use up more, and go on", screen.action_budget)
            yield SystemCommand("Panel", "Show or hide agents, plan and usage", screen.action_side)
            yield SystemCommand("History", "Show the steps; fork or rewind the run", screen.action_history)
            yield SystemCommand("Ask again", "Take back what was answered for more than one call", screen.action_revoke)
            yield SystemCommand("Question", "Go to the question that waits", screen.action_approval)

    # -- actions ------------------------------------------------------------------------------------

    def action_stop(self) -> None:
        """Quit at the second press; runs go on."""
        now = asyncio.get_running_loop().time()
        if now - self._pressed < TWICE:
            self.exit()
            return
        self._pressed = now
        if chosen := self.screen.get_selected_text():
            self.copy_to_clipboard(chosen)
            self.notify("Copied. Press ctrl+c again to quit.")
            return
        self.notify("Press ctrl+c again to quit. Runs go on without the app; Esc interrupts one.")

    async def action_home(self) -> None:
        """Go to the first screen."""
        while len(self.screen_stack) > 2:
            await self.pop_screen()

    def action_runs(self) -> None:
        """Show the list of runs."""
        from tui.screens.runs import RunsScreen

        if self.desk is not None and not isinstance(self.screen, RunsScreen):
            self.push_screen(RunsScreen())

    def action_help(self) -> None:
        """Show the keys."""
        from tui.screens.help import HelpScreen

        self.push_screen(HelpScreen())


def run(workspace: Path | None = None, config: Path | None = None) -> None:
    """Open the app in this terminal.

    Args:
        workspace: The folder that new sessions work in; by default each has a new one.
        config: The agents.yaml that was named.

    Raises:
        ConfigError: agents.yaml cannot be used.
        WorkspaceError: The folder cannot be written.
    """
    from nexus_agents.runtime.settings import check_workspace, load_settings

    settings = load_settings(config) if config else None
    app = NexusApp(settings, check_workspace(workspace.expanduser().absolute()) if workspace else None)
    app.run()
    if app.return_code:
        sys.exit(app.return_code)


def _sandbox_of(settings: Settings) -> str:
    from nexus_agents.runtime.checks import sandbox_word

    return sandbox_word(settings.config)


def _import_desk() -> tuple[Any, Any, Any]:
    from nexus_agents.runtime.desk import ensure_host, open_desk
    from nexus_agents.runtime.settings import load_settings

    return open_desk, ensure_host, load_settings
