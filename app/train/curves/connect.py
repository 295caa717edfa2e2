"""What gestures on curves lead to."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QWidget

from app.core.file_kinds import PLOTS, TABLES, ask_save
from app.core.notices import NO_CURVES
from app.core.store import Store
from app.core.workspace import Actions
from app.train.curves.controller import CurvesController
from app.train.curves.export import Sheet
from app.train.curves.view import TrainCurves


def connect(curves: CurvesController, view: TrainCurves, *, store: Store, window: QWidget) -> Actions:
    """Connects the curves; `window` owns the dialogs of an export."""

    def shown() -> Sheet | None:
        sheet = view.sheet() if store.state.workspace == "train" else None
        if sheet is None:
            store.notices.say(NO_CURVES)
        return sheet

    def export_table() -> None:
        sheet = shown()
        if sheet is not None:
            ask_save(window, "Export curves", TABLES, suffix="csv", use=lambda path: curves.save_table(path, sheet))

    def export_picture() -> None:
        if shown() is not None:
            picture = view.picture()
            ask_save(window, "Export curves", PLOTS, suffix="png", use=lambda path: curves.save_picture(path, picture))

    head = view.head
    head.smoothing.changed.connect(lambda amount: store.change("curves", smoothing=amount))
    head.log.clicked.connect(curves.toggle_log)
    head.axisChosen.connect(lambda axis: store.change("curves", axis=axis))
    head.log_x.triggered.connect(lambda on: store.change("curves", log_x=on))
    head.compareToggled.connect(lambda path, on: curves.compare(Path(path), on))
    head.markedWanted.connect(lambda: curves.compare_only(store.state.run_list.marked))
    head.exportWanted.connect(lambda kind: export_table() if kind == "csv" else export_picture())
    view.noteMade.connect(curves.set_note)
    view.metricWanted.connect(curves.show_metric)
    return {
        "curves.log": curves.toggle_log,
        "curves.axis": curves.next_axis,
        "curves.whole": view.show_whole,
        "curves.note": view.begin_note,
        "curves.compare": view.open_compare,
        "curves.csv": export_table,
        "curves.png": export_picture,
    }
