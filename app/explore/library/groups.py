"""What models show, as groups of the library: faces first, then the rest of the box, then the person's own."""

from collections.abc import Sequence
from typing import Final

from engine.api import ModelCard

FIRST: Final = "Faces"
YOURS: Final = "Yours"


def group_of(card: ModelCard) -> str:
    """The first word of a title in the box says what it shows; all that the person made is theirs."""
    return (card.title.split() or [YOURS])[0] if card.shipped else YOURS


def in_groups(cards: Sequence[ModelCard]) -> dict[str, tuple[ModelCard, ...]]:
    """The models by group, in the order in which they are shown."""
    names = dict.fromkeys(group_of(card) for card in cards)
    ordered = sorted(names, key=lambda name: (name != FIRST, name == YOURS))
    return {name: tuple(card for card in cards if group_of(card) == name) for name in ordered}


def compared_first(cards: Sequence[ModelCard], shown: str | None) -> tuple[str, ...]:
    """Keys of the models that a photo goes through before the person chooses: those in the box that show what the
    model `shown` does, else its first group; the person's own where the box is empty."""
    box = in_groups([card for card in cards if card.shipped])
    if not box:
        return tuple(card.key for card in cards)
    mine = (group for group in box.values() if any(card.key == shown for card in group))
    return tuple(card.key for card in next(mine, next(iter(box.values()))))
