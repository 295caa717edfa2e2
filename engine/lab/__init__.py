"""The laboratory of the plane: truths whose density is known, so that what a model learned can be held against it.

What the window uses is named here, as far as it needs no torch.
"""

from engine.lab.names import DRAWN, MOST_STAMPS, Stamp, csv_name, drawn_name, stamps_of
from engine.lab.names import REACH as STAMP_REACH
from engine.lab.names import WIDTHS as STAMP_WIDTHS
from engine.lab.seen import (
    Arrows,
    BenchSeen,
    CheckInfo,
    GameSeen,
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
    Response,
    Series,
    Span,
    StageInfo,
    StageSeen,
    SweepSeen,
    TruthInfo,
    Values,
)
from engine.lab.setup import LAST_SEED, LabTraining, Pace, Reading, Setup, with_seeds
from engine.lab.written import written_all as setup_line
