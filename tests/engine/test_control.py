"""Stop, pause and step aside: asked on one thread, honoured on another."""

from __future__ import annotations

import threading
import time

import pytest

from engine.control import Control
from engine.errors import Cancelled


def test_stop_is_heard_and_wakes_from_a_pause():
    control = Control()
    control.check()
    control.pause()
    assert control.paused
    control.stop()
    assert (control.stopping, control.paused) == (True, False)
    with pytest.raises(Cancelled):
        control.check()


def test_pause_and_resume():
    control = Control()
    control.pause()
    control.resume()
    assert not control.paused
    assert not control.stopping


def test_stepping_aside_lasts_as_long_as_asked_and_never_longer_than_allowed():
    control = Control()
    start = time.monotonic()
    control.wait_turn()
    assert time.monotonic() - start < 0.5
    control.step_aside(0.12)
    control.wait_turn()
    assert 0.1 <= time.monotonic() - start < 30
    control.step_aside(60)
    start = time.monotonic()
    control.wait_turn(at_most=0.1)
    assert 0.08 <= time.monotonic() - start < 30


def test_stop_ends_the_waiting():
    control = Control()
    control.step_aside(60)
    timer = threading.Timer(0.05, control.stop)
    timer.start()
    start = time.monotonic()
    control.wait_turn(at_most=30)
    timer.join()
    assert time.monotonic() - start < 25
