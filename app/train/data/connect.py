"""What gestures on data sets lead to."""

from __future__ import annotations

from app.core.store import Store
from app.train.data.controller import DataController
from app.train.data.page import DataPage
from app.train.data.panel import DataPanel
from app.train.form.view import TrainForm


def connect(data: DataController, panel: DataPanel, *, page: DataPage, form: TrainForm, store: Store) -> None:
    """Connects the panel and the page of a data set; one can be put into the form of a new run."""

    def train() -> None:
        form.set_data(panel.choice())
        store.update(workspace="train", train_panel="new")

    panel.chosen.connect(data.choose)
    panel.look.clicked.connect(data.look)
    panel.train.clicked.connect(train)
    page.show_what.changed.connect(data.show)
    page.attributes.chosen.connect(data.narrow)
    page.pageWanted.connect(data.turn)
