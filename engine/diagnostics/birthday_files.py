"""A person's birthday test on disk, and as a finding of a report. No torch; a file is never trusted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from engine.diagnostics.birthday_game import Game, Kind, Outcome, from_json, outcome, to_json
from engine.diagnostics.support import Support
from engine.diagnostics.support_text import rounded, support_figures, support_level
from engine.files.disk import MALFORMED, read_json, write_json
from engine.report import Evidence, Finding, Level

SCHEMA: Final = "latent-loom/birthday/1"
FILE_CAP: Final = 2**20
NAME: Final = "birthday_human"
TITLE: Final = "Birthday test by eye"


def game_file(run: Path, step: int) -> Path:
    """Where the test of a run's step is kept: beside the reports, so that a new report leaves it alone."""
    return run / "diagnostics" / f"birthday_{step:06d}.json"


def save_game(path: Path, game: Game, *, model_sha256: str) -> None:
    """Writes the test, whole or not at all.

    Raises:
        OSError: the place cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {"schema": SCHEMA, "model_sha256": model_sha256, "game": to_json(game)})


def load_game(path: Path, *, model_sha256: str) -> Game | None:
    """The test of this model in the file, None where there is none, it is damaged or of another model."""
    try:
        values = read_json(path, most=FILE_CAP)
        if values["schema"] != SCHEMA or values["model_sha256"] != model_sha256:
            return None
        return from_json(values["game"])
    except (OSError, *MALFORMED):
        return None


def rounds_sentence(game: Game, kind: Kind) -> str:
    """What was seen in the rounds of one kind: "1 of 3 batches held the same picture twice"."""
    rounds = game.of(kind)
    having = sum(bool(item.same) for item in rounds)
    what = "samples" if kind == "samples" else "real images"
    if not rounds:
        return f"no batch of {what} was looked through"
    if len(rounds) == 1:
        return f"the one batch of {what} {'held' if having else 'did not hold'} the same picture twice"
    return f"{having or 'none'} of {len(rounds)} batches of {what} held the same picture twice"


def support_sentence(support: Support) -> str:
    """The estimate with its interval in words, without the full stop."""
    if support.estimate is None:
        return "nothing is known" if support.batches == 0 else f"more than about {rounded(support.low)} pictures"
    high = "without an upper limit" if support.high is None else f"to {rounded(support.high)}"
    return f"about {rounded(support.estimate)} pictures ({rounded(support.low)} {high})"


def _level(found: Outcome, training: int) -> Level:
    """An eye that calls different real images the same may have done so with samples: then nothing is known."""
    lax = found.real.estimate is not None and found.samples.estimate is not None
    if found.samples.batches == 0 or lax:
        return "unknown"
    return support_level(found.samples, training)


def human_finding(game: Game, training: int, *, evidence: Sequence[Evidence] = ()) -> Finding:
    """The finished test as a finding beside the automatic one. `training` is the number of training images."""
    found: Outcome = outcome(game)
    seen = f"By eye, {rounds_sentence(game, 'samples')}: the generator draws {support_sentence(found.samples)}"
    control = f"; as a control, {rounds_sentence(game, 'real')}" if game.of("real") else ""
    return Finding(
        NAME,
        TITLE,
        _level(found, training),
        f"{seen}{control}.",
        (
            *support_figures(found.samples, n=found.samples.batches),
            *(
                support_figures(found.real, n=found.real.batches, prefix="real_", of=" of real images")
                if found.real.batches
                else ()
            ),
        ),
        tuple(evidence),
        {
            "sizes": tuple(float(item.plan.size) for item in game.of("samples")),
            "same": tuple(float(item.same) for item in game.of("samples")),
        },
    )
