"""What a call of the command line answered, and the two shapes that every answer has."""

from __future__ import annotations

import json
import re

Answer = tuple[int, str, str]
"""Exit status, standard output, standard error."""


def one_object(result: Answer) -> dict:
    """The call went well and printed exactly one JSON object."""
    status, out, err = result
    assert status == 0, err
    assert out.count("\n") == 1
    values = json.loads(out)
    assert isinstance(values, dict)
    return values


def one_sentence(result: Answer, status: int) -> str:
    """The call failed with this status, one line on standard error and nothing on standard output."""
    code, out, err = result
    assert (code, out) == (status, ""), err
    assert err.count("\n") == 1, err
    assert err.strip().endswith("."), err
    assert "Traceback" not in err
    assert not re.search(r"\b[A-Z]\w+Error\b", err), err
    return err
