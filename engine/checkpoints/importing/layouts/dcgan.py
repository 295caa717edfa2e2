"""DCGAN generators as pytorch/examples names them (`main.0`, `main.1`, ...), and all that descend from it."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from engine.checkpoints.importing.layouts.common import SIZES, Built, Candidate, Found, in_single
from engine.checkpoints.importing.layouts.stacks import Stack, entries, read_stack
from engine.checkpoints.importing.report import Question, ask
from engine.knobs import Value
from engine.models.imported.dcgan.model import LayerSpec, side_of

EXAMPLES: Final = "DCGAN of pytorch/examples"
DESCENDANT: Final = "DCGAN generator"
ACTIVATION: Final = ("relu", "leaky_relu")
OUTPUT: Final = ("tanh", "sigmoid", "none")


def match(candidate: Candidate) -> Found | None:
    """The generator in these weights, or None where they are no plain stack of layers.

    Raises:
        CheckpointError: it is a stack, but not one that draws a picture which can be shown.
    """
    modules = entries(candidate)
    if modules is None or sum(not m.is_norm for m in modules) < 2:
        return None
    shapes = [m.tensors["weight"].ndim for m in modules if "weight" in m.tensors and not m.is_norm]
    if any(ndim != 4 for ndim in shapes[1:]) or shapes[0] not in (2, 4):
        return None
    first = modules[0].tensors.get("weight")
    if first is not None and first.ndim == 4 and first.shape[1] in (1, 3):
        raise candidate.refused(
            "it looks like the discriminator, which takes pictures and draws none", advice="choose the generator's file"
        )
    return found_of(candidate, read_stack(candidate, modules), DESCENDANT)


def found_of(
    candidate: Candidate,
    stack: Stack,
    layout: str,
    *,
    questions: tuple[Question, ...] | None = None,
    facts: tuple[tuple[str, str], ...] = (),
    warnings: tuple[str, ...] = (),
) -> Found:
    """What a stack gives; `questions` None asks for what this stack leaves open.

    Raises:
        CheckpointError: its pictures are of a size or colour that cannot be shown.
    """
    layers, doubles = _with_doubling(stack)
    side = side_of(layers)
    if stack.channels not in (1, 3) or side not in SIZES:
        raise candidate.refused(
            f"its layers draw pictures of {side} x {side} pixels with {stack.channels} channels, and what can "
            f"be shown is {SIZES[0]} to {SIZES[-1]} (a power of two) with 1 or 3"
        )
    if questions is None:
        known = _is_examples(stack)
        layout = EXAMPLES if known else layout
        questions = activation_questions(known=known)
    if doubles:
        words = "Between its convolutions pictures are doubled; its file does not say how."
        questions = (*questions, ask("upsampling", "Upsampling", words, "nearest", choices=("nearest", "bilinear")))

    def build(answers: Mapping[str, Value]) -> Built:
        config: dict[str, Value] = {"code": stack.code, "layers": " ".join(map(str, layers)), **answers}
        return Built(config, (stack.channels, side, side), in_single(stack.state))

    norms = sum(stack.normed)
    return Found(
        layout,
        "imported_dcgan",
        stack.channels,
        side,
        stack.code,
        build,
        facts=(("Layers", f"{len(layers)}, {norms} with batch norm" if norms else f"{len(layers)}"), *facts),
        questions=questions,
        warnings=warnings,
        unused=candidate.others,
    )


def activation_questions(*, known: bool, output: str = "tanh") -> tuple[Question, ...]:
    """The two that no file of weights answers."""
    return (
        ask(
            "activation",
            "Activation",
            "Between the layers; the weights do not say.",
            "relu",
            choices=ACTIVATION,
            known=known,
        ),
        ask(
            "output",
            "Output",
            "What bounds the pixels at the end; the weights do not say.",
            output,
            choices=OUTPUT,
            known=known,
        ),
    )


def _is_examples(stack: Stack) -> bool:
    """Whether names, places and shapes are those of pytorch/examples, whose activations are known (ReLU, tanh)."""
    last = len(stack.layers) - 1
    return (
        all(re.fullmatch(r"main\.\d+", name) for name in stack.names)
        and stack.places == tuple(3 * i for i in range(last + 1))
        and stack.normed == tuple(i < last for i in range(last + 1))
        and not any(stack.biased)
        and all(spec.kind == "T" and spec.kernel == 4 for spec in stack.layers)
    )


def _with_doubling(stack: Stack) -> tuple[tuple[LayerSpec, ...], bool]:
    """The layers, with doubling before those 3x3 convolutions that have one more place before them than they need.

    Only where nothing else enlarges the picture; then no other reading gives one.
    """
    if any(spec.kind == "T" for spec in stack.layers[1:]) or stack.side in SIZES:
        return stack.layers, False
    layers = list(stack.layers)
    for i in range(1, len(layers)):
        here, before = stack.places[i], stack.places[i - 1]
        prefix_same = stack.names[i].rpartition(".")[0] == stack.names[i - 1].rpartition(".")[0]
        needed = 3 if stack.normed[i - 1] else 2
        if here is None or before is None or not prefix_same or here - before not in (needed, needed + 1):
            return stack.layers, False
        if here - before == needed + 1:
            layers[i] = replace(layers[i], kind="U")
    return tuple(layers), any(spec.kind == "U" for spec in layers)
