"""What the loop does when numbers or memory fail: go back to a checkpoint, or cut the batch into smaller parts."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from engine.errors import RunError
from engine.knobs import to_json
from engine.runs import directory as runs
from engine.training.hooks import GoBack
from engine.training.job import Job
from engine.training.memory import give_back
from engine.training.snapshot import Position

MAX_STRIKES: Final = 3


def roll_back(job: Job, at: Position, step: int, wish: GoBack) -> Position:
    """Returns to the newest checkpoint with half the learning rate; gives up after three times.

    Raises:
        RunError: it diverged again.
    """
    strikes = at.strikes + 1
    if strikes > MAX_STRIKES:
        raise RunError(
            f"{job.run.name} diverged {strikes} times ({wish.reason.rstrip('.') or 'in another process'}): "
            "its last good checkpoint is kept; start again with a lower learning rate."
        )
    back, _ = job.newest()
    if back is None:
        raise RunError(f"{job.run.name} diverged at step {step} and no checkpoint can be read: start a new run.")
    action = f"went back to step {back.step} with half the learning rate"
    job.recorder.notice(
        step,
        "warning",
        f"{wish.reason.rstrip('.')}: {action}.",
        kind=wish.kind,
        evidence=wish.evidence,
        suggestion=wish.suggestion,
        action=action,
    )
    return replace(back, strikes=strikes)


def smaller_parts(job: Job, at: Position, step: int, *, late: bool) -> tuple[Position, int]:
    """Cuts each batch into twice as many parts, so that the result stays the same; gives where to go on.

    The step is done again; if it had begun to change weights (or another process said so only a step later: `late`),
    training goes on from the newest checkpoint.

    Raises:
        RunError: each part is one image already.
    """
    give_back(job.device)
    most = -(-job.training.batch // job.dist.size)
    before = min(job.training.accumulate, most)
    parts = min(2 * before, most)
    if parts == before:
        raise no_memory(job.run)
    # Written down, because a resumed run must go on with the same parts to be the same bit for bit.
    job.training = replace(job.training, accumulate=parts)
    job.optimisers.accumulate = parts
    if job.dist.first:
        runs.save_config(job.run, replace(runs.read_config(job.run), training=to_json(job.training)))
    where = ""
    if job.dist.any(late or job.optimisers.stepped):
        back, _ = job.newest()
        if back is None:
            raise no_memory(job.run)
        at, where = replace(back, strikes=at.strikes), f", and went back to step {back.step}"
    images = -(-most // parts)
    job.recorder.notice(
        step,
        "warning",
        f"Memory ran out at step {step}: each batch now goes through in {parts} parts of at most {images} "
        f"image{'s' if images > 1 else ''}, with the same mean over the batch{where}.",
        kind="memory",
        evidence=(("parts", parts), ("images", images)),
        suggestion="Turn on the knob checkpointing, or choose a smaller batch or model.",
        action=f"accumulate = {parts}",
    )
    return at, at.step if where else step


def not_finite(step: int) -> GoBack:
    """Numbers that are not finite: nothing but going back can mend them."""
    return GoBack(
        f"Numbers were not finite at step {step}",
        kind="not finite",
        suggestion="Lower the learning rate if it happens again.",
    )


def no_memory(run: Path) -> RunError:
    """The sentence for memory that has run out where nothing can be made smaller any more."""
    return RunError(
        f"There was not enough memory to train {run.name}: choose a smaller batch or model, "
        "or another device; its newest checkpoint is kept."
    )
