"""How names, counts and times are written in the window."""

import math
from typing import Final

from engine.api import DirectionInfo, Sampled

ERROR_TITLE: Final = "|error| × 4"
"""The engine's error maps are enlarged so much (`engine.measures.ERROR_GAIN`)."""
SHORT: Final = {"heavy makeup": "Makeup", "mouth slightly open": "Open mouth", "wearing lipstick": "Lipstick"}
"""Names of the face data set that are too long for a slider."""


def nice(name: str) -> str:
    """``Blond_Hair`` -> ``Blond hair``; ``pca_3`` -> ``PCA 3``."""
    words = name.replace("_", " ").strip()
    if words.lower() in SHORT:
        return SHORT[words.lower()]
    if words.lower().startswith("pca"):
        return "PCA " + words[3:].strip()
    return words[:1].upper() + words[1:].lower()


def millions(count: int) -> str:
    """``3.1 M``, ``840 k`` or the number itself."""
    if count >= 1_000_000:
        return f"{count / 1e6:.1f} M"
    return f"{count / 1e3:.0f} k" if count >= 1000 else str(count)


def duration(seconds: float) -> str:
    """``45 s``, ``4 min``, ``2 h 10 min``."""
    if seconds < 60:
        return f"{max(0, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def ago(seconds: float) -> str:
    """How long since: ``just now``, ``4 min ago``, ``3 days ago``."""
    if seconds < 60:
        return "just now"
    if seconds < 86_400:
        return f"{duration(seconds)} ago"
    days = round(seconds / 86_400)
    return f"{days} day{'s' if days > 1 else ''} ago"


def ordinal(number: float) -> str:
    """``63rd``."""
    whole = round(number)
    ending = "th" if 10 <= whole % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(whole % 10, "th")
    return f"{whole}{ending}"


def percentile(share: float) -> str:
    """``63rd percentile``; at the ends in words, because no image is the 0th."""
    if 0.5 <= share <= 99.5:
        return f"{ordinal(share)} percentile"
    return "below all held-out" if share < 50 else "above all held-out"


def signed(value: float) -> str:
    """``+1.6`` with a true minus sign."""
    return f"{value:+.1f}".replace("-", "−")


def encodes(kind: str) -> str:
    """How a model finds the code of a photo, for its card."""
    return {"exact": "exact codes", "amortised": "encodes at once", "search": "encodes by search"}[kind]


def group_label(name: str) -> str:
    """``Level 1 (fine)`` -> ``Level 1 · fine``."""
    return name.replace(" (", " · ").removesuffix(")")


def source_text(source: object) -> str:
    """Where a code comes from."""
    return f"Seed {source.seed}" if isinstance(source, Sampled) else getattr(source, "name", "") or "Given code"


AXES: Final = {
    "pca": ("Codes", "main axes of the codes", "Main axes of the codes of photos (PCA)."),
    "features": (
        "Features",
        "main axes of the features",
        "What moves the decoder's early features most (GANSpace); found once in some seconds, then kept.",
    ),
    "weights": ("Weights", "strongest weights", "What the decoder's first layer amplifies most (SeFa); found at once."),
    "jacobian": (
        "Slope",
        "steepest slopes",
        "What changes the middle picture most: this family has no first layer, so its whole decoder is asked.",
    ),
}
"""Kinds of main axes: the label, what is being found, and a sentence."""
METHOD_NAMES: Final = {"mean": "difference of means", "logistic": "logistic regression", "lda": "LDA"}


def direction_note(info: DirectionInfo) -> str:
    """What is known of a direction, for its tooltip."""
    if info.kind == "component":
        of = {"features": "the features'", "weights": "the weights'", "jacobian": "the slope's"}.get(info.method, "the")
        share = "" if info.share is None else f", {info.share:.1%} of {of} variance"
        what = {
            "features": "moves the decoder's features most",
            "weights": "a main axis of the first layer's weights",
            "jacobian": "changes the picture most",
        }.get(info.method, "a main axis of the codes")
        return f"{nice(info.name)}: {what}{share}"
    if info.user_made:
        by = METHOD_NAMES.get(info.method, info.method)
        auc = "" if info.auc is None else f", held-out AUC {info.auc:.2f}"
        ends = "" if info.auc_low is None or info.auc_high is None else f" ({info.auc_low:.2f} to {info.auc_high:.2f})"
        return f"{nice(info.name)}: yours, from {info.positives} + {info.negatives} photos by {by}{auc}{ends}"
    if info.auc is None:
        return f"{nice(info.name)}: moves the code along this attribute"
    interval = "" if info.auc_low is None or info.auc_high is None else f" ({info.auc_low:.2f} to {info.auc_high:.2f})"
    return f"{nice(info.name)}: held-out AUC {info.auc:.2f}{interval}"


def auc_figure(info: DirectionInfo) -> str:
    """``.93``: the held-out AUC as it stands on a slider's row; empty where it was not measured."""
    if info.auc is None:
        return ""
    return "1.0" if info.auc >= 0.995 else f"{info.auc:.2f}".removeprefix("0")


def lost_note(name: str, share: float, locked: tuple[str, ...]) -> str:
    """``34 % of Young is along Smiling``; empty where it is less than half a percent."""
    if share < 0.005 or not locked:
        return ""
    names = [nice(one) for one in locked]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    if share > 0.999:
        verb = "is" if len(names) == 1 else "are"
        return f"{nice(name)} is nothing but {listed}, which {verb} locked: unlock to move it"
    return f"{100 * share:.0f} % of {nice(name)} is along {listed}, and is left out"


def milliseconds(value: float) -> str:
    """``18 ms``, ``1.2 s``, ``14 s``."""
    return f"{value:.0f} ms" if value < 1000 else f"{value / 1000:.1f} s" if value < 10_000 else duration(value / 1000)


def decibels(value: float) -> str:
    """``22.3 dB``; an exact copy has no error to compare with."""
    return f"{value:.1f} dB" if math.isfinite(value) else "exact"


def no_error(psnr_db: float) -> str:
    """What an all-black error picture means; empty where there is something to see."""
    return "" if math.isfinite(psnr_db) else "No pixel differs"


def framing(how: str) -> str:
    """What was done to a photo, in two words."""
    known = {"face": "face aligned", "points": "eyes clicked", "centre": "cut to centre", "none": "not aligned"}
    return known.get(how, "")
