"""The laboratory of the plane: truths whose density is known, so that what a model learned can be held against it.

What the window uses is named here, as far as it needs no torch.
"""

from engine.lab.seen import (
    Arrows,
    BenchSeen,
    CheckInfo,
    Judged,
    LabCatalogue,
    LessonInfo,
    Map,
    MapRequest,
    Maps,
    PointFamily,
    Points,
    PresetInfo,
    Probe,
    Proof,
    Span,
    StageInfo,
    StageSeen,
    TruthInfo,
    Values,
)
from engine.lab.setup import LabTraining, Pace, Reading, Setup
