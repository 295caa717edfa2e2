"""A network's best response, and the same set-up with another seed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.core.model_host import ModelHost
from app.core.store import Store
from app.core.workspace import Actions
from app.lab.controller import LabController
from app.lab.setups import seed_of
from app.lab.state import SEEDS
from engine.lab import LAST_SEED, Response
from engine.lanes import Context

if TYPE_CHECKING:
    from app.lab.view import LabView
    from engine.session import Bench


class Responses(QObject):
    """Asks for them; Pause ends one that is under way, and what was learned stays."""

    def __init__(self, store: Store, lab: LabController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._lab = store, lab
        self._host = ModelHost(device="cpu")

    def connect_view(self, view: LabView) -> Actions:
        """The two entries of the menu, the button of the seed, and their keys."""
        ways: dict[str, Callable[[], object]] = {
            "lab.best_d": partial(self.respond, "discriminator"),
            "lab.best_g": partial(self.respond, "generator"),
            "lab.seed": self.another_seed,
        }
        view.transport.bestWanted.connect(lambda name: ways[name]())
        view.transport.seedClicked.connect(self.another_seed)
        return ways

    def respond(self, network: str) -> None:
        """Trains this network alone until its loss moves no more, and says how it ended."""
        if not any(stage.info is not None and network in stage.info.networks for stage in self._lab.state.stages):
            self._store.notices.warn(f"No stage has a {network}: choose a GAN for it.")
            return

        def work(bench: Bench, context: Context) -> Response:
            session, put = self._host.session(), self._lab.mailbox.put
            return session.best_response(bench, network, progress=context, show=put)

        self._lab.learn("best response", work, lambda found: self._store.notices.info(words(found)))

    def another_seed(self) -> None:
        """The same set-up with the next seed, or the next five: other weights, batches and noise."""
        state = self._lab.state
        if state.stages:
            many = SEEDS if state.seeded else 1
            seed = seed_of(state.stages[0].setup) + many
            self._lab.set_knobs(0, {}, {"seed": seed if seed + many - 1 <= LAST_SEED else 0})


def words(found: Response) -> str:
    """How a best response ended."""
    if found.settled:
        return (
            f"Best response of the {found.network} after {found.steps:,} steps: over {found.window} more its loss "
            "moved by less than 0.0001."
        )
    return (
        f"After {found.steps:,} steps the {found.network}'s loss still moved by {found.moved:.2g} over "
        f"{found.window} steps: it has no best response within reach."
    )
