"""Whether runs of other processes are alive, as far as the files lane has seen them beat."""

from typing import Final

from engine.runs import Heartbeats

HEARTBEATS: Final = Heartbeats()
"""What the files lane has seen of heartbeats: of the lists, of the run on show and of the one explored alike."""
