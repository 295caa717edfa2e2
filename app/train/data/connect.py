"""What gestures on data sets lead to."""

from __future__ import annotations

from app.core.store import Store
from app.train.data.controller import DataController
from app.train.data.page import DataPage
from app.train.data.panel import DataPanel
from app.train.data.state import DataChoice
from app.train.form.view import TrainForm


def connect(data: DataController, panel: DataPanel, *, page: DataPage, form: TrainForm, store: Store) -> None:
    """Connects the panel and the page of a data set; one can be put into the form of a new run."""

    def train_on(choice: DataChoice) -> None:
        form.set_data(choice)
        store.update(workspace="train", train_panel="new")

    panel.chosen.connect(data.choose)
    panel.lookWanted.connect(data.look)
    panel.trainWanted.connect(train_on)
    page.show_what.changed.connect(data.show)
    page.attributes.chosen.connect(data.narrow)
    page.pageWanted.connect(data.turn)
