"""What one part of the window wants of another that it does not know: emitted here by the one, heard by the other."""

from PySide6.QtCore import QObject, Signal


class Requests(QObject):
    """Who can do it connects itself; what nobody can do is passed over."""

    modelWanted = Signal(str)
    """Open this model, or the newest weights of a run, see `model_host.run_ref`."""
    filesWanted = Signal(list)
    """Take these files in: dropped on no part of the window, chosen or used lately."""
    pictureWanted = Signal(object)
    """Take this picture (H, W, 3) in: dropped out of another program."""
    diagnosisWanted = Signal(object)
    """Show this run (a path) beside its diagnoses."""
    runsAttached = Signal(list)
    """Show the runs in these folders too."""
