"""What both processes of a job do in the tests of distribution: train several runs, and say what each then holds.

torchrun --standalone --nproc-per-node=2 job_of_two.py FOLDER: trains every run in FOLDER/runs.json, writes
FOLDER/rank0.json and rank1.json with a digest of everything that training has made, in this process's memory.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
from pathlib import Path

from engine.control import Control
from engine.data import open_dataset
from engine.device import pick
from engine.events import TrainingSaved, TrainingState
from engine.runs import directory as runs
from engine.training import loop, tick
from engine.training.distributed import together
from engine.training.lock import exclusive
from engine.training.optimisers import Optimisers


def digest(job) -> str:
    """SHA-256 of weights, buffers, average and moments."""
    found = hashlib.sha256()
    states = (job.model.state_dict(), job.ema.model.state_dict(), job.optimisers.state())
    for state in states:
        for name in sorted(state):
            found.update(name.encode() + state[name].detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


def main(folder: Path) -> None:
    tick.TICK_SECONDS = 1000.0
    jobs = []
    original = loop.Job
    loop.Job = lambda *args, **words: jobs.append(original(*args, **words)) or jobs[-1]
    told = {}
    with together(pick("cpu")) as dist:
        for entry in json.loads((folder / "runs.json").read_text()):
            run = Path(entry["run"])
            config = runs.read_config(run)
            data = dist.in_turn(lambda c=config: open_dataset(c.data, size=c.image_shape[1], channels=c.image_shape[0]))
            control, states, short = Control(), [], []

            def hear(event, run=run, entry=entry, states=states, control=control):
                if isinstance(event, TrainingState):
                    states.append(event.state)
                    if event.state == "paused":
                        threading.Timer(0.3, (run / "PAUSE").unlink).start()
                if isinstance(event, TrainingSaved) and event.step == entry.get("at"):
                    (run / entry["touch"]).touch()

            advance = Optimisers.advance
            if entry.get("memory") == dist.rank:

                def fails(self, model, images, whole, advance=advance, short=short):
                    if self.index == 1 and not short:
                        short.append(1)
                        raise loop_memory("an allocation failed: out of memory")
                    return advance(self, model, images, whole)

                Optimisers.advance = fails
            try:
                if dist.first:
                    with exclusive(run) as lock:
                        state = loop.train(
                            run, data, device=pick("cpu"), control=control, emit=hear, dist=dist, lock=lock, hooks=()
                        )
                else:
                    state = loop.train(run, data, device=pick("cpu"), control=control, emit=hear, dist=dist, hooks=())
            finally:
                Optimisers.advance = advance
            told[entry["name"]] = {
                "digest": digest(jobs[-1]),
                "state": state.state,
                "step": state.step,
                "states": states,
                "accumulate": jobs[-1].training.accumulate,
            }
        rank = dist.rank
    (folder / f"rank{rank}.json").write_text(json.dumps(told))


def loop_memory(text: str) -> RuntimeError:
    """As a CPU's allocator says it."""
    return RuntimeError(text)


if __name__ == "__main__":
    assert "RANK" in os.environ, "start it with torchrun"
    main(Path(sys.argv[1]))
