"""The card of a shipped model as Markdown: terms, how it was made, figures, directions and their side effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from boxing.attributes import Choice, Effect
from boxing.judge import Judge, Kept
from boxing.reproduce import hours
from engine.latent.directions import Direction


@dataclass(frozen=True)
class Row:
    """A line of the table of samples. `place`: where the model's figure is found; `real`: where that of real pictures.

    Names of figures of the program's diagnostics begin with `d/`, the others are of this script. `sign` is how many
    digits after the point.
    """

    title: str
    name: str
    real: str = ""
    digits: int = 2
    scale: float = 1.0


ROWS: Final = (
    Row("SWD x 1000 at {side} px (lower)", "swd_64", "swd_64", 1),
    Row("SWD x 1000 at {side} px (lower)", "swd_32", "swd_32", 1),
    Row("SWD x 1000 at {side} px (lower)", "swd_16", "swd_16", 1),
    Row("sharpness over real (1)", "sharpness", "sharpness"),
    Row("diversity over real (1)", "diversity", "diversity"),
    Row("grid of 2 px (0)", "grid_2", "grid_2"),
    Row("grid of 4 px (0)", "grid_4", "grid_4"),
    Row("Frechet distance, own features (lower)", "d/frechet", "d/frechet_real", 1),
    Row("kernel distance x 1000, own features (lower)", "d/kid", "d/kid_real", 1),
    Row("precision, own features (higher)", "d/precision", "d/precision_real"),
    Row("recall, own features (higher)", "d/recall", "d/recall_real"),
    Row("density, own features (1)", "d/density", "d/density_real"),
    Row("coverage, own features (higher)", "d/coverage", "d/coverage_real"),
    Row("samples that repeat another", "d/repeats", "d/control_repeats", 0),
    Row("samples nearer to training than real ones come, %", "d/copied_share", "", 1, 100.0),
    Row("samples with a number that is not finite", "not_finite", "", 0),
)


def shown(value: Mapping[str, Any] | None, digits: int = 2, scale: float = 1.0, *, count: bool = False) -> str:
    """ "12.3 (11.9 to 12.8)", with `count` its n; a dash for nothing."""
    if value is None or value.get("mean") is None:
        return "-"
    text = f"{scale * value['mean']:.{digits}f}"
    if value.get("low") is not None and value.get("high") is not None and value["low"] != value["high"]:
        text += f" ({scale * value['low']:.{digits}f} to {scale * value['high']:.{digits}f})"
    if count and value.get("n"):
        text += f", n = {value['n']:,}"
    return text


def figure(found: Mapping[str, Any], temperature: str, name: str) -> Mapping[str, Any] | None:
    """A figure of `figures.measured`'s answer by a row's name, None where it was not measured."""
    if name.startswith("d/"):
        return dict(found["diagnostics"].get(temperature, {})).get(name[2:])
    return dict(found["samples"].get(temperature, {})).get(name)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def table_of_samples(found: Mapping[str, Any], pca: Mapping[str, Any] | None, real: Mapping[str, Any]) -> str:
    """The figures of samples by temperature, beside PCA-128's (None in its own card) and those of real pictures."""
    temperatures = sorted(found["samples"], key=float, reverse=True)
    flat = ["PCA-128, T = 1"] if pca else []
    head = ["samples", *(f"T = {t}" for t in temperatures), *flat, "real pictures"]
    rows = []
    for row in ROWS:
        cells = [figure(found, t, row.name) for t in temperatures]
        if not any(cells):
            continue
        of_real = figure(found, "1", row.real) if row.real.startswith("d/") else real.get(row.real)
        title = row.title.format(side=row.name.rpartition("_")[2])
        cells += [figure(pca, "1", row.name)] if pca else []
        texts = [shown(c, row.digits, row.scale, count=row.digits == 0) for c in cells]
        rows.append([title, *texts, shown(of_real, row.digits, row.scale, count=row.digits == 0)])
    return table(head, rows)


def table_of_test(
    found: Mapping[str, Any], pca: Mapping[str, Any] | None, beside: Mapping[str, Any] | None = None
) -> str:
    """The figures of test images: reconstruction and likelihood. `beside` is the card of an encoder beside a model."""
    test, flat = found["test"], pca["test"] if pca else {}
    rows = []
    if "bits_per_dim" in test:
        bits = test["bits_per_dim"]
        kind = "exact" if bits["density"] == "exact" else "a bound"
        theirs = flat.get("bits_per_dim", {})
        # Figures of other bit depths are of other pictures.
        same = theirs if theirs.get("bits") == bits["bits"] else None
        rows.append([f"bits/dim at {bits['bits']} bits, {kind} (lower)", shown(bits, 3, count=True), shown(same, 3)])
    if "psnr_db" in test:
        for title, name, digits in (
            ("PSNR of reconstructions, dB", "psnr_db", 2),
            ("SSIM of reconstructions", "ssim", 3),
        ):
            rows.append([f"{title} (higher)", shown(test[name], digits, count=True), shown(flat.get(name), digits)])
    elif beside is not None:
        said = f"{beside['test']['psnr_db']:.2f}, n = {beside['test']['n']:,}"
        rows.append(["PSNR by the encoder beside it, dB (higher)", said, shown(flat.get("psnr_db"))])
    if "round_trip_error" in test:
        error = f"{test['round_trip_error']['mean']:.1e}, n = {test['round_trip_error']['n']:,}"
        rows.append(["largest error of encode and decode, range 2", error, "not invertible"])
    head = ["test images", "this model", *(["PCA-128"] if pca else [])]
    return table(head, [row[: len(head)] for row in rows]) if rows else ""


@dataclass(frozen=True, eq=False)
class Directions:
    """All that a card says of directions; `same` is how near two pictures of one person are, where people are known."""

    made: Sequence[Direction]
    chosen: Mapping[str, Choice]
    effects: Mapping[str, Effect]
    judge: Judge
    same: Kept | None = None
    note: str = ""


def direction_table(found: Directions, aims: Mapping[str, float]) -> str:
    """AUC, method, own effect and how far an edit moves a picture, one line a direction."""
    rows = []
    for i, name in enumerate(found.judge.names):
        d, e = next(d for d in found.made if d.name == name), found.effects[name]
        gap = found.judge.gaps[i]
        aim = f", aim {aims[name]:.2f}" if name in aims else ""
        rows.append(
            [
                name,
                f"{d.auc:.3f} ({d.auc_low:.3f} to {d.auc_high:.3f}){aim}",
                d.method,
                f"{d.positives} / {d.negatives}",
                f"{e.change[i]:+.2f} ± {e.half[i]:.2f}",
                f"{gap:.2f}",
                f"{e.moved:.2f}",
                f"{found.judge.aucs[i]:.3f}",
            ]
        )
    head = ["direction", "held-out AUC", "method", "with / without"]
    head += ["+2 sigma does", "real difference", "moved", "judge's AUC"]
    return table(head, rows)


def effect_table(found: Directions) -> str:
    """What +2 sigma of each direction (a line) does to every attribute (a column), the judge's sigmas."""
    names = found.judge.names
    rows = []
    for name in names:
        effect = found.effects[name]
        cells = []
        for i, other in enumerate(names):
            text = f"{effect.change[i]:+.2f}"
            cells.append(f"**{text}**" if other == name else text)
        rows.append([name, *cells])
    return table(["+2 sigma of", *names], rows)


def direction_text(found: Directions, aims: Mapping[str, float]) -> str:
    n = next(iter(found.effects.values())).n
    half = max(float(e.half.max()) for e in found.effects.values())
    same = (
        f" (two pictures of one person are {found.same.share:.2f} apart, median of {found.same.n:,} pairs)"
        if found.same
        else ""
    )
    together = (
        " Real attributes go together (most people who wear\nmake-up are women), so an edit that leaves all others "
        "still need not look more real."
        if found.same
        else ""
    )
    return f"""## Attribute directions, judged on held-out people

{direction_table(found, aims)}

Effects are those of an edit by +2 sigma on {n} held-out pictures inside the model, as an independent judge sees them:
logistic regression on own features, fitted to the real labels of training people and never shown a code. Its unit is
one standard deviation of its score among real pictures; "real difference" is the mean score of real pictures with the
attribute less that of those without. "moved": median distance in own features between before and after, as a share of
that between two pictures of different people{same}.

{effect_table(found)}

95 % intervals of these means are at most ± {half:.2f}.{together} For each attribute the method was chosen on a fifth of
the labelled training pictures: of those that reach the aim, or come near to the best AUC, the one with the largest
visible effect for the least drag on the others. {found.note}"""


def markdown(title: str, card: Mapping[str, Any], digest: str, *, stem: str, parts: Mapping[str, str]) -> str:
    """The whole card. `parts`: Markdown of `test`, `samples`, `directions`, `pictures`, `notes`; each may be empty."""
    seconds = card.get("training_seconds")
    took = f", {hours(seconds)} {card.get('seconds_of', 'of steps (wall time on a shared machine)')}" if seconds else ""
    verdict = card["figures"]["diagnostics"]["verdict"]
    sentences = "\n".join(
        f"- {name}: {sentence}" for name, sentence in card["figures"]["diagnostics"]["sentences"].items()
    )
    made = f"""## How it was made

{card["made"]}

```sh
{card["command"]}
```
"""
    return (
        f"""# {title}

{card["terms"]}

- Family {card["family"]}, {card["image"]}, {card["parameters"]:,} numbers, {card["megabytes"]:.1f} MB.
  Weights of two or more axes are stored in half precision; every figure below is of this very file.
- Data: {card["data"]}.
- {card["steps_text"]}{took}, {card["machine"]}.
- SHA-256 of the file: `{digest}`.

![samples]({stem}.sheet.webp)

Samples at temperature 0.5, 0.7 and 1.0 (rows), none of them chosen.
{parts["pictures"]}
## Figures on the test split

{parts["test"]}

{parts["samples"]}

95 % intervals in brackets: of SWD and diversity over {card["parts"]} sets of samples against one set of test pictures,
of the rest over pictures. SWD: sliced Wasserstein distance of 7x7 patches of Laplacian pyramids, x 1000, of
{card["part"]:,} samples against as many test pictures. Sharpness: mean absolute Laplacian. Grid: power that stands
out of the spectrum at a period of 2 or 4 pixels, as a share of the power of real pictures around it; a checkerboard
would be 1 and more. Own features: a small network of this program; its figures compare with no published FID. Real
pictures: the same figure of training pictures (SWD, sharpness, diversity, grid) or of held-out ones (all others) in
place of samples.

## What the program's own diagnostics say

**{verdict["title"]}** ({verdict["level"]}). {verdict["paragraph"]}

{sentences}

{parts["directions"]}

{made}
{parts["notes"]}""".rstrip()
        + "\n"
    )


def headline(figures: Mapping[str, Any]) -> str:
    """The figure that a list shows of a model, in a few words."""
    test, samples = figures["test"], figures["samples"]["1"]
    if "psnr_db" in test:
        return f"{test['psnr_db']['mean']:.1f} dB"
    if "bits_per_dim" in test:
        return f"{test['bits_per_dim']['mean']:.3f} bits/dim at {test['bits_per_dim']['bits']} bits"
    distances = [value["mean"] for name, value in samples.items() if name.startswith("swd_")]
    return "SWD " + " / ".join(f"{d:.0f}" for d in distances)
