"""Cases of a parametrised test that `make test` tries; `make test-all` tries every one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def quick(values: Iterable[Any], *few: Any) -> list[Any]:
    """All values as parameters; those not among `few` are marked slow.

    Raises:
        ValueError: one of `few` is not among the values, so it would be tried by nobody.
    """
    every = list(values)
    if missing := [one for one in few if one not in every]:
        raise ValueError(f"{missing} are not among {every}")
    return [one if one in few else pytest.param(one, marks=pytest.mark.slow) for one in every]
