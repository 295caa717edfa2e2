"""Measures of images and of sets of images: what a model got right, and what it lost.

What the window uses is named here, as far as it needs no torch: reports, and the birthday test that a person plays.
"""

from engine.diagnostics.birthday_files import NAME as BY_EYE
from engine.diagnostics.birthday_files import TITLE as BY_EYE_TITLE
from engine.diagnostics.birthday_files import (
    game_file,
    human_finding,
    load_game,
    rounds_sentence,
    save_game,
    support_sentence,
)
from engine.diagnostics.birthday_game import (
    PAIRS,
    Answer,
    Game,
    Kind,
    Pair,
    Plan,
    Round,
    answered,
    begun,
    ended,
    next_plan,
    outcome,
    over,
    skipped,
    undone,
)
from engine.diagnostics.report_files import FOLDER as REPORTS_FOLDER
from engine.diagnostics.report_files import ReportEntry, list_reports, read_report, report_folder, write_report
from engine.diagnostics.support import Support
from engine.diagnostics.support_text import rounded
from engine.report import Evidence, Figure, Finding, Report
