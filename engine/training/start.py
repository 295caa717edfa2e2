"""Whether a new run may start from another run's checkpoint."""

from engine.errors import UsageError
from engine.families import family
from engine.knobs import from_json, to_json
from engine.runs import directory as runs
from engine.runs.checkpoints import read_manifest
from engine.runs.library import Checkpoint


def check_start(
    checkpoint: Checkpoint, family_name: str, *, config: object, shape: tuple[int, int, int], steps: int
) -> None:
    """Proves the checkpoint's files by their SHA-256, and that it fits the model `config` of images `shape`.

    Raises:
        UsageError: it is of another model, or already beyond `steps`.
        CheckpointError: it is damaged.
        RunError: its run cannot be read.
    """
    source = checkpoint.path.parent.parent
    theirs = runs.read_config(source)
    if theirs.family != family_name or theirs.image_shape != shape:
        raise UsageError(
            f"{source.name} is a {theirs.family} of {theirs.image_shape[1]} pixels: "
            "its weights fit no other family or size."
        )
    known, wanted = to_json(from_json(family(family_name).config, theirs.model)), to_json(config)
    changed = [name for name, value in wanted.items() if known.get(name) != value and name in known]
    if changed:
        raise UsageError(
            f"{changed[0]} cannot change where a run starts from the weights of {source.name} "
            f"({known[changed[0]]} there): duplicate that run without its weights instead."
        )
    if steps <= checkpoint.step:
        raise UsageError(f"steps must be more than the {checkpoint.step} that the checkpoint has, got {steps}.")
    read_manifest(checkpoint.path)
