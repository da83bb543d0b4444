"""A session: the conversation of a thread, its agents, and a prompt for what comes next."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer

from nexus_agents.core.errors import InputError, NexusError
from nexus_agents.runtime.tally import cost_text
from tui.answers import Answers
from tui.cards import ApprovalCard, Card
from tui.feed import Feed
from tui.screens.base import NexusScreen
from tui.widgets.approval import ApprovalView
from tui.widgets.plain import PlainStatic, shorten
from tui.widgets.prompt import Prompt
from tui.widgets.side import Side
from tui.widgets.tool import ToolView, whole_call
from tui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from nexus_agents.core.budget import Limits
    from nexus_agents.core.events import AnyEvent

__all__ = ["SessionScreen"]

DRAW_EVERY = 0.05
"""Seconds: events of one moment are drawn together."""

AT_WORK = ("queued", "running", "waiting")
"""States in which what is written is said to the run."""

NEXT = "What next? Enter sends, ctrl+j begins a new line."
SAY = "Say something to the run: it is heard at the next turn. Enter sends."

LOOK_EVERY = 0.5
"""Seconds between looks for what another face or a process that just starts may do with the thread."""


class SessionScreen(NexusScreen[None]):
    """One thread: what was said and done, live."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "interrupt", "Interrupt"),
        Binding("f3", "approval", "Question", show=False),
        Binding("f4", "side", "Panel"),
        Binding("f5", "resume", "Resume"),
        Binding("f8,h", "history", "History", show=False),
        Binding("ctrl+r", "app.runs", "Runs"),
        Binding("ctrl+n", "app.home", "New"),
    ]

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - as Textual declares it

    def __init__(self, thread_id: str) -> None:
        super().__init__()
        self.thread_id = thread_id
        self.feed = Feed()
        self.answers = Answers(self.feed)
        self._changed: dict[str, Card] = {}
        self._drawing = False
        self._replayed: set[str] = set()

    def compose(self) -> ComposeResult:
        """Make the parts."""
        with Horizontal():
            with Vertical():
                yield Transcript()
                yield Prompt(NEXT, id="prompt")
            yield Side()
        yield PlainStatic("", id="status")
        yield Footer()

    @property
    def transcript(self) -> Transcript:
        """The conversation."""
        return self.query_one(Transcript)

    def on_mount(self) -> None:
        """Read what there is, then follow what happens."""
        self.transcript.cards = self.feed.cards
        self.query_one(Prompt).focus()
        self.set_interval(DRAW_EVERY, self.draw)
        self.follow()

    # -- what happened ------------------------------------------------------------------------------

    @work(exclusive=True, group="follow", exit_on_error=False)
    async def follow(self) -> None:
        """Show the runs of the thread as they go on, whoever works on them."""
        told = ""
        while self.is_attached:
            try:
                await self._catch_up()
            except Exception as error:
                # Memory that is gone for a moment must not end what is on the screen.
                if str(error) != told:
                    told = str(error)
                    self.nexus.tell(error)
            await asyncio.sleep(LOOK_EVERY)

    async def _catch_up(self) -> None:
        runs = await self.nexus.runs_of(self.thread_id)
        desk = self.nexus.desk
        if desk is None or not runs:
            return
        self.feed.limits = runs[-1].budget.over(desk.settings.config.budget)
        for run in runs:
            if run.id in self._replayed:
                continue
            if run.id != self.feed.run_id:
                self.feed.begin(run.id)
            if run is not runs[-1]:
                for event in await desk.runtime.memory.events.read(run.id, after=self.feed.seq):
                    self._take(event)
                self._replayed.add(run.id)
                continue
            async for event in desk.watch(run.id, after=self.feed.seq):
                self._take(event)
        newest = await desk.runtime.memory.runs.get(self.feed.run_id)
        if newest is not None and self.feed.status in ("running", "queued") and not await desk.is_worked(newest):
            self._mark(self.feed.cut_off())

    def _take(self, event: AnyEvent) -> None:
        self._mark(self.feed.take(event))

    def _mark(self, cards: list[Card]) -> None:
        for card in cards:
            self.mark(card)

    def mark(self, card: Card) -> None:
        """Have a card drawn anew."""
        self._changed[card.key] = card

    async def draw(self) -> None:
        """Draw what has changed since the last time."""
        if self._drawing or not self.is_attached:
            return
        self._drawing = True
        try:
            if self._changed:
                changed, self._changed = list(self._changed.values()), {}
                await self.transcript.changed(changed)
                if any(isinstance(card, ApprovalCard) and not card.answered for card in changed):
                    self._ask()
            self.query_one(Side).show(self.feed)
            self.query_one(Prompt).placeholder = SAY if self.feed.status in AT_WORK else NEXT
            self.query_one("#status", PlainStatic).show(self._status())
        finally:
            self._drawing = False

    def _status(self) -> str:
        feed = self.feed
        asked = len(feed.waiting)
        working = sum(agent.state == "working" for agent in feed.agents.values())
        parts = [f"{asked} question{'s' if asked > 1 else ''}: F3"] if asked else []
        parts += [feed.status, f"{working} of {len(feed.agents)} agents at work" if working else ""]
        spent = feed.tally.spent
        # What is known of the cost; the panel says where it is not.
        cost = cost_text(spent.money, 0) + (" + ?" if spent.money and spent.unpriced else "")
        parts += [f"{spent.tokens:,} tokens" if spent.tokens else "", cost, shorten(feed.model, 30)]
        line = "  ".join(part for part in parts if part)
        # What is there always gives way to what happens.
        held = f"sandbox: {self.nexus.sandbox}" if self.nexus.sandbox else ""
        return f"{line}  {held}" if len(line) + len(held) + 2 <= self.size.width - 2 else line

    def _ask(self) -> None:
        # Who is writing is not interrupted: a key meant for the prompt must never approve anything.
        if self.query_one(Prompt).is_in_use:
            self.notify("A question waits: F3 goes to it.", severity="warning")
        elif self.focused is None or isinstance(self.focused, Prompt | Transcript):
            self._go_to_question(armed=False)

    def _go_to_question(self, *, armed: bool) -> None:
        views = [view for view in self.query(ApprovalView) if not view.approval.answered]
        if views:
            views[0].take_focus(armed=armed)

    # -- what the user does -------------------------------------------------------------------------

    async def action_approval(self) -> None:
        """Go to the oldest question that is open."""
        if self.feed.waiting:
            await self.transcript.bring(self.feed.waiting[0])
            self._go_to_question(armed=True)

    def action_page_up(self) -> None:
        """Look further up, from the prompt too."""
        self.transcript.scroll_page_up(animate=False)

    def action_page_down(self) -> None:
        """Look further down, from the prompt too."""
        self.transcript.scroll_page_down(animate=False)

    def action_side(self) -> None:
        """Show or hide the panel."""
        self.toggle_class("-side")

    def action_interrupt(self) -> None:
        """Empty the prompt, or stop the run."""
        focused = self.focused
        if isinstance(focused, Prompt) and focused.text:
            focused.text = ""
        else:
            self.interrupt()

    @work(exit_on_error=False)
    async def interrupt(self) -> None:
        """Stop the run; it stays resumable."""
        if self.nexus.desk is not None and await self.nexus.desk.interrupt(self.feed.run_id):
            self.notify("Interrupting; F5 goes on later.")

    @work(exit_on_error=False)
    async def action_resume(self) -> None:
        """Go on with a run that was cut off; one whose budget is used up is given more first."""
        if self.feed.status in ("interrupted", "waiting", "failed"):
            used_up = self.feed.limits.reached(self.feed.used.spent)
            await (self._give_more() if used_up else self.go_on())

    @work(exit_on_error=False)
    async def action_budget(self) -> None:
        """Let a run that is at rest use up more, and go on."""
        if self.feed.status in ("interrupted", "waiting", "failed"):
            await self._give_more()
        else:
            self.notify("A run that is at work has its budget: interrupt it first. One that is done needs no more.")

    async def _give_more(self) -> None:
        from tui.screens.budget import BudgetScreen

        form = BudgetScreen(self.feed.used.spent, self.feed.limits)
        if limits := await self.app.push_screen_wait(form):
            await self.go_on(budget=limits)

    @work(exit_on_error=False)
    async def action_revoke(self) -> None:
        """Take back what was answered for more than one call in this thread."""
        if self.nexus.desk is None or not self.feed.run_id:
            return
        try:
            gone = await self.nexus.desk.runtime.revoke(self.feed.run_id)
        except NexusError as error:
            self.notify(f"{error.message}\n{error.hint}", severity="error", markup=False)
            return
        told = f"Asked again from now on: {', '.join(gone)}" if gone else "Nothing was answered for more than one call."
        self.notify(told, markup=False)

    def action_history(self) -> None:
        """Show the steps of the run that was shown last."""
        from tui.screens.history import HistoryScreen

        if self.nexus.desk is not None and self.feed.run_id:
            self.app.push_screen(HistoryScreen(self.feed.run_id))

    @on(Prompt.Sent)
    async def sent(self, event: Prompt.Sent) -> None:
        """Say what was written to the run that is at work, or go on in the thread with it."""
        prompt = self.query_one(Prompt)
        speaks = self.feed.status in AT_WORK
        try:
            if speaks:
                await self.nexus.say(self.feed.run_id, event.text)
            else:
                await self.nexus.start(event.text, self.thread_id)
        except NexusError as error:
            self.nexus.tell(error)
            prompt.text = event.text
            return
        await self.transcript.action_last()
        if not speaks:
            self.follow()

    @on(ApprovalView.Answered)
    def answered(self, event: ApprovalView.Answered) -> None:
        """Go on with the person's decision, once all questions of this moment have theirs."""
        self._mark(
            self.answers.add(
                event.card,
                event.approve,
                whole_run=event.whole_run,
                always=event.always,
                reason=event.reason,
                effect=event.effect,
            )
        )
        self._next_question()

    @on(ApprovalView.Edited)
    def edited(self, event: ApprovalView.Edited) -> None:
        """Approve with other arguments, where the tool takes them."""
        self.check_edited(event.view, event.arguments)

    @work(exclusive=True, group="edited", exit_on_error=False)
    async def check_edited(self, view: ApprovalView, arguments: dict[str, Any]) -> None:
        """Check changed arguments, which may import the tool, and take them for the answer."""
        desk = self.nexus.desk
        if desk is None or view.approval.answered:
            return
        try:
            await asyncio.to_thread(desk.runtime.check_arguments, view.approval.tool, arguments)
        except InputError as error:
            view.refuse(error)
            return
        self._mark(self.answers.add(view.approval, True, arguments=arguments))
        self._next_question()

    def _next_question(self) -> None:
        if self.feed.waiting:
            self._go_to_question(armed=True)
        else:
            self.query_one(Prompt).focus()
            self.send_answers()

    @work(exclusive=True, group="answers", exit_on_error=False)
    async def send_answers(self) -> None:
        """Have the run go on with the answers; where it cannot, the questions are open again."""
        if not await self.go_on(self.answers):
            self._mark(self.answers.take_back())
        self.answers.clear()

    @on(ApprovalView.Left)
    def left(self) -> None:
        """Go back to the prompt; the question stays."""
        self.query_one(Prompt).focus()

    @on(ApprovalView.ConsentAsked)
    def consent(self, event: ApprovalView.ConsentAsked) -> None:
        """Show the clip, the statement and the scope; recorded, the run goes on."""
        self.nexus.ask_consent(event.card, self)

    @on(ToolView.DetailsAsked)
    async def details(self, event: ToolView.DetailsAsked) -> None:
        """Show the whole call as the ledger has it."""
        try:
            call = await self.nexus.call(event.card.key.partition("/")[0], event.card.call_id)
        except NexusError as error:
            self.nexus.tell(error)
            return
        event.view.show_details(whole_call(event.card, call))

    @on(ToolView.Opened)
    def opened(self, event: ToolView.Opened) -> None:
        """Open or play what a tool made."""
        self.nexus.open_path(event.paths[0])

    async def go_on(self, answers: Answers | None = None, budget: Limits | None = None) -> bool:
        """Have the run worked from where it stands, and follow it; False (and told why) where that cannot be."""
        try:
            await self.nexus.work_on(self.feed.run_id, answers, budget)
        except NexusError as error:
            self.nexus.tell(error)
            return False
        self.follow()
        return True
