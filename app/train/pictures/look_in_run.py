"""The look of Explore in another model: what of it fits there, and what is left out."""

from dataclasses import dataclass, replace

from app.look import Look
from app.words import nice
from engine.api import Coded, DrawRequest, ModelInfo


@dataclass(frozen=True)
class Fitted:
    """What can be drawn of a look, None where nothing can; `note` says what is left out, or why."""

    request: DrawRequest | None
    note: str = ""


def fitted(look: Look, ref: str, info: ModelInfo) -> Fitted:
    """The request for a look in the model `ref`: a code of another model means nothing there, a seed does."""
    source = look.source
    own = look.model == ref
    if isinstance(source, Coded):
        if not own or source.code.size != info.code_size:
            return Fitted(
                None,
                "The picture in Explore has a code of another model, which means nothing here: "
                "press Explore above and choose a photo or a seed there.",
            )
    elif len(source.temperature) != len(info.groups):
        source = replace(source, temperature=(source.temperature[0],) * len(info.groups))
    known = {direction.name for direction in (*info.attributes, *info.components)}
    edits = tuple(edit for edit in look.edits if edit[0] in known)
    lost = [nice(name) for name, value in look.edits if name not in known and value]
    if look.levels and not own:
        lost.append("its levels")
    locked = tuple(name for name in look.locked if name in known)
    levels = look.levels if own else ()
    request = DrawRequest(source, edits, locked, look.wander, levels, look.solo if own else -1)
    return Fitted(request, f"Without {', '.join(lost)}: this run's model has no such sliders." if lost else "")
