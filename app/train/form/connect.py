"""What the form of a new run leads to."""

from __future__ import annotations

from app.core.store import Store
from app.core.workspace import Actions
from app.train.form.cost import CostController
from app.train.form.view import TrainForm
from app.train.runs.actions import RunActions


def connect(actions: RunActions, form: TrainForm, *, cost: CostController, store: Store) -> Actions:
    """Connects the form: a run begins, its cost is asked for, a draft is changed."""
    form.startWanted.connect(actions.start)
    form.costAsked.connect(cost.ask)
    form.wrong.connect(store.notices.warn)
    form.hosts.host.changed.connect(actions.choose_host)
    form.hosts.on_close.changed.connect(actions.choose_on_close)
    form.banner.dropped.connect(lambda: store.update(draft=None))
    form.banner.step.changed.connect(lambda step: actions.choose_start(int(step)))
    return {"train.start": form.submit, "train.host": actions.next_host}
