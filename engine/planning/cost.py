"""What training will cost, before a weight exists: parameters, memory and seconds a step, and what fits a device.

A step of the true model is run on tensors that have shapes and no numbers; what it would hold at its worst moment and
what it would calculate are counted. Nothing of the size of the model is ever allocated.
"""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import psutil
import torch

from engine.api import TrainRequest
from engine.device import training_threads
from engine.errors import UsageError
from engine.families import family
from engine.knobs import Value, from_json, knobs_of, to_json
from engine.planning.rehearsal import Rehearsal, Speed, rehearse, speed
from engine.progress import SILENT, Progress
from engine.training.config import TrainConfig, World

log = logging.getLogger(__name__)

PREPARED: Final = 6144
"""Images that prepare a new model; see `engine.training.job.PREPARE_IMAGES`."""
OPTIMISER_BYTES: Final = 12
"""A parameter's two moments and its average, in float32; the weight and its gradient are counted as they arise."""
SLACK: Final = 1.15
"""What allocators and the kernels' own buffers add to the tensors; see tests/benchmarks/NOTES.md."""
CONVOLUTIONS, SIMPLE, CALLS = 1.5, 4.0, 2.0
"""How many times longer than at best a model's convolutions, simple operations and calls take: shapes are less
convenient, caches are cold, and the backward pass has its own bookkeeping. From the table in the same notes."""
SHARE: Final = 0.9
"""Of the free memory: some is left to the rest of the machine."""
PLAIN_PIXELS: Final = 32 * 64 * 64
PLAIN_FREE: Final = 3e9
AGAIN: Final = "to try it all the same, start it once more or with --force"


@dataclass(frozen=True)
class Cost:
    """What a training costs, as estimates: memory beyond that of the program itself, seconds of this machine.

    `seconds` is of one step, None where the machine's speed was not asked for.
    """

    parameters: int
    memory_bytes: float
    gigaflop: float
    seconds: float | None = None

    def words(self) -> str:
        """For people: "5.4 M parameters · ~220 MB · ~410 ms a step"."""
        said = [f"{_count(self.parameters)} parameters", f"~{size_words(self.memory_bytes)}"]
        if self.seconds is not None:
            said.append(f"~{_seconds(self.seconds)} a step")
        return " · ".join(said)


@dataclass(frozen=True)
class CostQuery:
    """A training: all that its cost depends on. `images` is how many there are to learn from, where that is known."""

    family: str
    model: tuple[tuple[str, Value], ...]
    batch: int
    image_shape: tuple[int, int, int]
    precision: str = "float32"
    accumulate: int = 1
    checkpointing: bool = False
    images: int = PREPARED

    @property
    def part(self) -> int:
        """Images that are in memory at a time."""
        return math.ceil(self.batch / min(self.accumulate, self.batch))


def asked(
    name: str,
    model: Mapping[str, object],
    training: Mapping[str, object],
    image_shape: tuple[int, int, int],
    *,
    images: int | None = None,
    processes: int = 1,
) -> CostQuery:
    """The training of these knobs, one process's share of it.

    Raises:
        UsageError: a knob is wrong.
    """
    row = family(name)
    config = to_json(from_json(row.config, model))
    chosen = from_json(TrainConfig, {**row.training, **training})
    return CostQuery(
        name,
        tuple(sorted(config.items())),
        math.ceil(chosen.batch / processes),
        image_shape,
        chosen.precision,
        chosen.accumulate,
        chosen.checkpointing,
        PREPARED if images is None else min(images, PREPARED),
    )


_KEPT: Final[dict[tuple[object, ...], Rehearsal]] = {}
MOST_KEPT: Final = 64


def _rehearsed(of: CostQuery, progress: Progress) -> Rehearsal:
    """The rehearsal of one part of a batch; each is done once."""
    key = (of.family, of.model, of.image_shape, of.part, of.precision, of.checkpointing)
    found = _KEPT.get(key)
    if found is None:
        found = rehearse(
            of.family,
            dict(of.model),
            of.image_shape,
            of.part,
            precision=of.precision,
            checkpointing=of.checkpointing,
            progress=progress,
        )
        if len(_KEPT) >= MOST_KEPT:
            _KEPT.clear()
        _KEPT[key] = found
    return found


def estimate(of: CostQuery, *, at: Speed | None = None, progress: Progress = SILENT) -> Cost:
    """The cost of a training; with `at` also the seconds of a step.

    Raises:
        UsageError: the knobs do not go together.
    """
    progress.check()
    found = _rehearsed(of, progress)
    step = found.peak_bytes + OPTIMISER_BYTES * found.parameters
    # A new model is prepared on many images at once, as bytes and as numbers.
    channels, height, width = of.image_shape
    prepared = 8 * found.parameters + 5 * of.images * channels * height * width
    passes = min(of.accumulate, of.batch) * (found.networks if of.accumulate > 1 else 1)
    seconds = None
    if at is not None:
        one = (
            CONVOLUTIONS * found.flop / at.flop
            + SIMPLE * found.moved_bytes / at.moved_bytes
            + CALLS * found.calls * at.call_seconds
        )
        seconds = one * passes
    return Cost(found.parameters, SLACK * max(step, prepared), passes * found.flop / 1e9, seconds)


def free_memory(kind: str = "cpu") -> int:
    """Bytes that this device could still give."""
    if kind == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    if kind == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory())
    return int(psutil.virtual_memory().available)


@dataclass(frozen=True)
class Choice:
    """What a training that would not fit is changed to: knobs of training, and the sentence that says so."""

    training: Mapping[str, Value]
    text: str


def plainly_fits(of: CostQuery, free_bytes: float) -> bool:
    """Whether no closer look is needed: no knob is above the family's own and the images are small and few.

    Such a training needs less than a gigabyte in every family (see tests/benchmarks/NOTES.md), and a rehearsal costs
    more time than a small run takes to start.
    """
    _, height, width = of.image_shape
    knobs = {knob.name: knob.default for knob in knobs_of(family(of.family).config)}
    above = any(isinstance(v, int) and isinstance(d := knobs.get(n), int) and v > max(d, 1) for n, v in of.model)
    return not above and of.part * height * width <= PLAIN_PIXELS and free_bytes >= PLAIN_FREE


def choose(of: CostQuery, free_bytes: float, progress: Progress = SILENT) -> Choice:
    """What makes a training fit into `free_bytes` without changing its result: nothing, where it fits as it is.

    Parts of a batch give the same gradients where images do not meet; computing blocks again always does.

    Raises:
        UsageError: nothing of that is enough; the sentence says what would fit.
    """
    room = SHARE * free_bytes
    whole = estimate(of, progress=progress)
    if whole.memory_bytes <= room:
        return Choice({}, "")
    need = f"needs about {size_words(whole.memory_bytes)} and {size_words(free_bytes)} are free"
    title = family(of.family).title
    alone = _rehearsed(of, progress).alone
    for checkpointing in dict.fromkeys((of.checkpointing, True)):
        for parts in _parts(of) if alone else (of.accumulate,):
            progress.check()
            tried = replace(of, accumulate=parts, checkpointing=checkpointing)
            if tried == of or estimate(tried, progress=progress).memory_bytes > room:
                continue
            changes: dict[str, Value] = {}
            words = []
            if parts != of.accumulate:
                changes["accumulate"] = parts
                words.append(f"each batch goes through in {parts} parts")
            if checkpointing != of.checkpointing:
                changes["checkpointing"] = True
                words.append("blocks are computed again in the backward pass")
            how = " and ".join(words)
            return Choice(changes, f"Training this {title} {need}: {how}, slower and with the same result.")
    raise UsageError(f"Training this {title} {need}: {_advice(of, room, progress)}; {AGAIN}.")


def of_request(request: TrainRequest, kind: str, progress: Progress = SILENT) -> Cost:
    """The cost of a run on a device of this `kind`, by the request alone: its data is not looked at.

    Raises:
        UsageError: a knob is wrong.
    """
    of = asked(request.family, request.model, request.training, _shape(request))
    return estimate(of, at=speed(kind, training_threads(), of.precision), progress=progress)


def fitted(
    request: TrainRequest, training: TrainConfig, kind: str, progress: Progress = SILENT
) -> tuple[TrainConfig, str]:
    """`training` with what makes a new run fit the memory of a device without changing its result, and the sentence
    that says so; as it is where it fits, or where the request is forced. Processes of one job share a CPU's memory.

    Raises:
        UsageError: as `choose`.
    """
    if request.force:
        return training, ""
    processes = World.from_environment().size
    of = asked(request.family, request.model, to_json(training), _shape(request), processes=processes)
    free = free_memory(kind) / (processes if kind == "cpu" else 1)
    if plainly_fits(of, free):
        return training, ""
    try:
        choice = choose(of, free, progress)
    except (RuntimeError, NotImplementedError) as error:
        # Not every operation has shapes without numbers; then nothing is known, and training is not held up.
        log.info("the memory of this training is not known: %s", error)
        return training, ""
    return from_json(TrainConfig, {**to_json(training), **choice.training}), choice.text


def _shape(request: TrainRequest) -> tuple[int, int, int]:
    return request.channels, request.size, request.size


def _parts(of: CostQuery) -> tuple[int, ...]:
    """Numbers of parts that are worth trying, the gentlest first."""
    return tuple(n for n in (of.accumulate * 2**i for i in range(11)) if n <= max(of.batch, of.accumulate))


def _advice(of: CostQuery, room: float, progress: Progress) -> str:
    """What would fit, with blocks computed again: a smaller batch, or a narrower or shallower model."""
    found = []
    bounds = {knob.name: knob.low for knob in knobs_of(family(of.family).config)}
    base = replace(of, checkpointing=True)

    def fits(tried: CostQuery) -> bool:
        progress.check()
        return estimate(tried).memory_bytes <= room

    batch = of.batch // 2
    while batch >= 2 and not fits(replace(base, batch=batch)):
        batch //= 2
    if batch >= 2:
        found.append(f"a batch of {batch}")
    given = dict(of.model)
    for name, word in (("width", "a width of"), ("hidden", "a width of"), ("depth", "a depth of")):
        value = given.get(name)
        if not isinstance(value, int):
            continue
        low = int(bounds.get(name) or 1)
        while value // 2 >= low:
            value //= 2
            if fits(replace(base, model=tuple(sorted({**given, name: value}.items())))):
                found.append(f"{word} {value}")
                break
    smaller = of.image_shape[1] // 2
    offered = smaller in family(of.family).sizes
    if not found and offered and fits(replace(base, image_shape=(of.image_shape[0], smaller, smaller))):
        found.append(f"an image size of {smaller}")
    if not found:
        return "choose a smaller model, smaller images or a machine with more memory"
    return f"with Recompute, {' or '.join(found)} would fit"


def size_words(size: float) -> str:
    """Bytes for people."""
    return f"{size / 1e9:.1f} GB" if size >= 0.95e9 else f"{max(1, round(size / 1e6 / 10) * 10)} MB"


def _count(n: int) -> str:
    return f"{n / 1e6:.1f} M" if n >= 1e5 else f"{n:,}"


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value >= 0.95 else f"{float(f'{1000 * value:.2g}'):g} ms"
