"""Who looks in on training: one row for each hook, in the order in which they are called."""

from typing import Final

from engine.training.diagnosing import diagnosing
from engine.training.hooks import MakeHook
from engine.training.preview_extras import PreviewExtras
from engine.training.signals import Signals

HOOKS: Final[tuple[MakeHook, ...]] = (Signals, PreviewExtras, diagnosing)
