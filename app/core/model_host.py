"""What a lane keeps: its session and the models it has opened. Every method runs on that lane's thread."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.api import Catalogue, ModelCard, ModelInfo
from engine.errors import UserError

if TYPE_CHECKING:
    from engine.session import OpenModel, Session, UserDirections

STUDY_NICENESS: Final = 5
KEPT: Final = 3
RUN: Final = "run:"
"""Before the path of a run whose newest checkpoint is meant."""


def run_ref(run: Path) -> str:
    """The name under which a run's newest checkpoint is opened."""
    return f"{RUN}{run}"


def run_of(ref: str | None) -> Path | None:
    """The run that `ref` means, or None for a model file."""
    return Path(ref.removeprefix(RUN)) if ref and ref.startswith(RUN) else None


@dataclass(frozen=True, eq=False)
class Inventory:
    """What is there to open."""

    models: tuple[ModelCard, ...]
    photos: tuple[Path, ...]
    runs_folder: Path
    device: str
    devices: tuple[str, ...] = ()


class ModelHost:
    """Opens models at most once each, the newest `KEPT` of them; a failed opening leaves the others as they are."""

    def __init__(self, *, device: str = "auto") -> None:
        self._device, self._keep = device, KEPT
        self._session: Session | None = None
        self._models: dict[str, OpenModel] = {}
        self._former: dict[str, OpenModel] = {}

    def use_threads(self, count: Callable[[], int], *, behind: bool = False) -> Callable[[], None]:
        """A lane's set-up: its share of the cores. Torch is imported here, on the lane's thread.

        `behind`: this lane gives way to the one under the hand and to the window where all cores are taken.
        """

        def set_up() -> None:
            if behind and sys.platform == "linux":
                # Only here a thread has a niceness of its own.
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), STUDY_NICENESS)
            from engine.session import use_threads

            use_threads(count())

        return set_up

    def session(self) -> Session:
        """The session, made at first need: importing it takes a second that the window must not wait for."""
        if self._session is None:
            from engine.session import Session

            self._session = Session(device=self._device)
        return self._session

    def inventory(self) -> Inventory:
        """The library."""
        session = self.session()
        devices = session.devices()
        return Inventory(session.models(), session.sample_photos(), session.runs_folder, session.device.name, devices)

    def use_device(self, device: str) -> str:
        """Another device from now on; open models are forgotten and opened there again. Gives the device's name.

        Raises:
            UserError: this machine does not have it; the old one stays.
        """
        from engine.session import Session

        session = Session(device=device)
        self._device, self._session = device, session
        self._models.clear()
        self._former.clear()
        return session.device.name

    def catalogue(self) -> Catalogue:
        """What the Train form is made of."""
        return self.session().catalogue()

    def open(self, ref: str) -> ModelInfo:
        """Opens afresh: a run may have newer weights. Those of before stay for whoever still draws with them."""
        run = run_of(ref)
        model = self.session().open_live(run) if run else self.session().open(ref)
        if not model.info.pictures:
            raise UserError(f"{model.info.title} draws points, and this workspace shows pictures.")
        return self._put(ref, model).info

    def adopt(self, ref: str, model: OpenModel) -> None:
        """Takes over a model that another thread has opened and has let go of."""
        self._put(ref, model)

    def _put(self, ref: str, model: OpenModel) -> OpenModel:
        before = self._models.pop(ref, None)
        self._models[ref] = model
        if before is not None and run_of(ref) and before.info.sha256 != model.info.sha256:
            self._former = {ref: before}
        while len(self._models) > self._keep:
            gone = next(iter(self._models))
            del self._models[gone]
            self._former.pop(gone, None)
        return model

    def model(self, ref: str, sha256: str = "") -> OpenModel:
        """The model, opened if needed.

        Raises:
            UserError: it cannot be opened, or is no longer the one with this `sha256`.
        """
        former, run = self._former.get(ref), run_of(ref)
        if former is not None and sha256 == former.info.sha256:
            return former
        if ref not in self._models or (sha256 and self._models[ref].info.sha256 != sha256):
            if run is not None and sha256:
                return self._put(ref, self.session().open_live(run, sha256=sha256))
            self.open(ref)
        found = self._models[ref]
        if sha256 and found.info.sha256 != sha256:
            raise UserError(
                f"{found.info.title or 'The run'} has a newer checkpoint now: choose it again in the library."
            )
        return found

    def refresh_directions(self, ref: str, sha256: str) -> ModelInfo:
        """Reads the user's directions of a model again.

        Raises:
            UserError: it cannot be opened, or is no longer the one with this `sha256`.
        """
        self.user_directions(ref, sha256).refresh()
        return self.model(ref, sha256).info

    def user_directions(self, ref: str, sha256: str) -> UserDirections:
        """What a person can do with the directions of a model; raises as `model` does."""
        return self.session().user_directions(self.model(ref, sha256))

    def room_for(self, count: int) -> None:
        """Keeps at least `count` models open: those that are drawn together must not push each other out."""
        self._keep = max(self._keep, count)
