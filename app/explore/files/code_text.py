"""A code as text for the clipboard: JSON that says which model it belongs to."""

import json
from typing import Final

import numpy as np

from engine.api import Codes, ModelInfo
from engine.errors import UserError

KEY: Final = "latent_loom_code"
LONGEST: Final = 20_000_000
"""Characters: a Glow of 256 pixels has 196,608 numbers."""


def code_text(code: Codes, info: ModelInfo, name: str) -> str:
    """The code (D,) with its model's title and SHA-256; nine digits keep every bit of a float32."""
    numbers = [float(f"{value:.9g}") for value in code.tolist()]
    return json.dumps({KEY: 1, "name": name, "model": info.title, "sha256": info.sha256, "code": numbers})


def is_code_text(text: str) -> bool:
    """Whether this is meant as a code."""
    return text.lstrip().startswith("{") and KEY in text[:200]


def code_from(text: str, info: ModelInfo | None) -> tuple[Codes, str]:
    """(the code (D,), its name).

    Raises:
        UserError: damaged, or of another model than the one on show.
    """
    if info is None:
        raise UserError("The code on the clipboard needs its model: open it first.")
    try:
        if len(text) > LONGEST:
            raise ValueError("it is too long")
        found = json.loads(text)
        title, sha256, name = (str(found[key])[:120] for key in ("model", "sha256", "name"))
        code = np.array(found["code"], np.float32)
        if code.ndim != 1 or not np.isfinite(code).all():
            raise ValueError("it is no list of numbers")
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise UserError("The code on the clipboard is damaged: copy it again.") from error
    if sha256 != info.sha256 or code.size != info.code_size:
        raise UserError(f"The code on the clipboard belongs to {title}, not to {info.title}: open that model first.")
    return code, name
