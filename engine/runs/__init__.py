"""Run directories: reading, comparing, watching and keeping them. What the window uses of them is named here."""

from engine.runs.checkpoints import newest_snapshot
from engine.runs.compare import FEWEST as FEWEST_COMPARED
from engine.runs.compare import MOST as MOST_COMPARED
from engine.runs.compare import Compared, CompareRow, compare_runs, final_figures, table_csv
from engine.runs.directory import (
    ACTIVE,
    MetricsRow,
    RunConfig,
    RunInfo,
    RunStatus,
    previews,
    read_config,
    read_metrics,
    read_preview,
    read_status,
    write_status,
)
from engine.runs.directory import ask as ask_run
from engine.runs.heartbeat import Heartbeats
from engine.runs.library import (
    SORTS,
    Checkpoint,
    Entry,
    RunListing,
    UnreadableRun,
    all_tags,
    chosen,
    clean_tag,
    list_checkpoints,
    read_listing,
    rename,
    request_of,
    set_aside,
    write_tags,
)
from engine.runs.line_files import FigureRow, NoticeRow, read_figures, read_notices
from engine.runs.live import FOLDER as LIVE_FOLDER
from engine.runs.live import STEP as LIVE_STEP
from engine.runs.live import Weights
from engine.runs.live import newest as newest_weights
from engine.runs.notes import FILE as NOTES_FILE
from engine.runs.notes import Note, read_notes, set_note
from engine.runs.pins import PinnedPhoto, pin, pinned, read_pin, read_sheet, sheets, unpin
from engine.runs.timelapse import plan as plan_timelapse
from engine.runs.timelapse import save_timelapse
from engine.runs.torchrun import torchrun_line
