"""Weights on disk: our own safetensors format, written atomically, verified before use, never a pickle.

What the window uses of it is named here, as far as it needs no torch.
"""

from engine.checkpoints.importing.report import ImportReport
from engine.checkpoints.importing.sniff import WEIGHTS
from engine.checkpoints.loom_file import SUFFIX as SESSION_SUFFIX
from engine.checkpoints.loom_file import LoomFile, forget_photos, load_loom, save_loom
