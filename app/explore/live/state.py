"""How live the model in Explore is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LiveModel:
    """The run that Explore shows: at which step its weights are, and whether it trains (`live`) meanwhile."""

    step: int
    live: bool
