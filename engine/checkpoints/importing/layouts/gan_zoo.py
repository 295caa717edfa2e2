"""DCGAN as pytorch_GAN_zoo names it: `formatLayer`, `main.batchNorm{n}`, `main.convTranspose{n}`, `main.outlayer`."""

from typing import Final

from engine.checkpoints.importing.layouts.common import Candidate, Found, indices
from engine.checkpoints.importing.layouts.dcgan import activation_questions, found_of
from engine.checkpoints.importing.layouts.stacks import entries, read_stack

TITLE: Final = "DCGAN of pytorch_GAN_zoo"
MARKS: Final = ("formatLayer.weight", "main.outlayer.weight")
OUTPUTS: Final = {"DCGAN": "tanh", "MSE": "tanh", "WGANGP": "none", "Logistic": "none"}
"""By the criterion in its config."""


def match(candidate: Candidate) -> Found | None:
    """The generator in these weights, or None where they are named otherwise.

    Raises:
        CheckpointError: it is this layout and not a plain, unconditional generator.
    """
    if "formatLayer.module.weight" in candidate.state:
        raise candidate.refused("it is a progressive GAN, which is not known here", advice="import a DCGAN, or a Glow")
    if any(mark not in candidate.state for mark in MARKS):
        return None
    settings = {name.rpartition("/")[2]: value for name, value in candidate.source.meta.items()}
    labels = settings.get("categoryVectorDim", 0)
    if isinstance(labels, int) and labels > 0:
        raise candidate.refused(f"its code carries {labels} numbers of a label", advice="train it without labels")
    modules = entries(candidate)
    if modules is None:
        raise candidate.refused("it holds more than convolutions and batch norms")
    # A name tells the place here, so files without an order are read as well.
    depth = len(set(indices(candidate.state, r"main\.(?:convTranspose|batchNorm)(\d+)\.")) - {0})
    names = ["formatLayer", "main.batchNorm0"]
    names += [name for i in range(1, depth + 1) for name in (f"main.convTranspose{i}", f"main.batchNorm{i}")]
    by_name = {module.name: module for module in modules}
    wanted = [*names, "main.outlayer"]
    if set(by_name) != set(wanted):
        odd = sorted(set(by_name) ^ set(wanted))[0]
        raise candidate.refused(
            f"{odd} is missing or unknown in its layout", advice="it is another version, or cut short"
        )
    stack = read_stack(candidate, [by_name[name] for name in wanted])
    criterion = str(settings.get("lossCriterion", ""))
    # Its code has ReLU always; only the end depends on how it was trained.
    _, output = activation_questions(known=criterion in OUTPUTS, output=OUTPUTS.get(criterion, "tanh"))
    averaged = (("Averaged", "yes" if "avg" in candidate.root.lower() else "no"),)
    return found_of(candidate, stack, TITLE, questions=(output,), facts=averaged)
