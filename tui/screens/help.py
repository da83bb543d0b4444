"""The keys, and where to read more."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from tui.widgets.plain import PlainStatic

if TYPE_CHECKING:
    from textual.app import ComposeResult

__all__ = ["HelpScreen"]

HELP = """\
enter, ctrl+j   send (a run at work hears it at its next turn), new line
up, down        what was sent before
esc             empty the prompt, or interrupt the run: f5 goes on
f5              go on: a run cut off, or with its budget used up
f3              the question: y yes, n no (why?), e other arguments
                a always, v never: this kind of call, in this thread
                r all calls of this risk, in this run
tab             to a tool call: enter shows all, o opens the file
page up, down   move the conversation; home, end: first, newest
f4              panel with agents, plan and usage
f8              history: the steps; f forks, r rewinds
ctrl+r          runs: enter opens, f2 names, del deletes, ctrl+z undoes
ctrl+n          home: something new
ctrl+p          all commands, themes too
ctrl+c          copy what is selected; twice: quit

Runs have processes of their own: closing the app leaves them going.
The same at the command line: nexus run, nexus resume, nexus show RUN.
For screen readers: nexus run --plain.
"""


class HelpScreen(ModalScreen[None]):
    """A page of help."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f1,q", "dismiss", "Close")]

    def compose(self) -> ComposeResult:
        """Make the page."""
        with VerticalScroll(id="help"):
            yield PlainStatic("Keys", classes="title")
            yield PlainStatic(HELP)
