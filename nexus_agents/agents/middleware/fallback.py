"""Another model where the first one cannot be reached."""

from __future__ import annotations

from functools import cached_property, partial

from nexus_agents.agents.middleware.base import Ask, Piece, Request, Response
from nexus_agents.agents.middleware.calls import ModelCalls
from nexus_agents.agents.middleware.context import Context
from nexus_agents.core.errors import BackendDown
from nexus_agents.core.events import FellBack

__all__ = ["Fallback"]


class Fallback(Piece):
    """Asks the models that agents.yaml names under `fallbacks`, one after the other."""

    @cached_property
    def _made(self) -> dict[str | None, tuple[Context, ModelCalls]]:
        return {}

    async def awrap_model_call(self, request: Request, handler: Ask) -> Response:
        """Call the model, or the next one that answers.

        Raises:
            BackendDown: None of them answers.
        """
        names = [self.model, *self.kit.models.fallbacks(self.agent, name=self.model)]
        for place, name in enumerate(names):
            fitting, calls = self._pieces(name)
            chosen = request if place == 0 else request.override(model=self.kit.models.get(self.agent, name=name))
            try:
                return await fitting.awrap_model_call(chosen, partial(calls.awrap_model_call, handler=handler))
            except BackendDown as error:
                if place + 1 == len(names):
                    raise
                await self.kit.recorder.emit(
                    FellBack(
                        agent=self.agent,
                        model=self.kit.models.describe(self.agent, name=name),
                        to=self.kit.models.describe(self.agent, name=names[place + 1]),
                        reason=error.message,
                    )
                )
        raise AssertionError("there is always a first model")

    def _pieces(self, name: str | None) -> tuple[Context, ModelCalls]:
        # What one model has room for may be too much for the next.
        if name not in self._made:
            about = (self.kit, self.agent, name, self.output)
            self._made[name] = (Context(*about), ModelCalls(*about))
        return self._made[name]
