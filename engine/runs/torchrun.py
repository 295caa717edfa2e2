"""The line that continues a run on several processors or machines; free of torch, so that the window may show it."""

import os
import re
import shlex
import shutil
import socket
import sys
import sysconfig
from pathlib import Path
from typing import Final

RENDEZVOUS_PORT: Final = 29500
"""Where the machines of a job find each other; torchrun's own choice."""


def torchrun_command(run: Path, processes: int, nodes: int = 1, *, device: str = "auto") -> list[str]:
    """The arguments that start `processes` on each of `nodes` machines, the program first, to go on with `run`.

    Run it in the folder that `torchrun_folder` gives, where that gives one.

    Raises:
        ValueError: fewer than one process or machine.
    """
    if processes < 1 or nodes < 1:
        raise ValueError(f"a job has at least one process on one machine, got {processes} on {nodes}")
    if nodes == 1:
        meeting = ["--standalone"]
    else:
        # The same id and place on every machine is what makes them one job.
        meeting = [
            f"--nnodes={nodes}",
            "--rdzv-backend=c10d",
            f"--rdzv-endpoint={socket.gethostname()}:{RENDEZVOUS_PORT}",
            f"--rdzv-id={re.sub(r'[^A-Za-z0-9_.-]+', '-', run.name) or 'run'}",
        ]
    chosen = [] if device == "auto" else ["--device", device]
    path = os.path.abspath(run.expanduser())
    # Without the two dashes torchrun would read --run as a short form of an option of its own.
    train = ["-m", "--", "engine.cli", "train", "--run", path, "--resume", *chosen]
    return [*_launcher(), *meeting, f"--nproc-per-node={processes}", *train]


def torchrun_line(run: Path, processes: int, nodes: int = 1, *, device: str = "auto") -> str:
    """The same as one line for a shell. On several machines it is given on each, and all must see the run's folder.

    Raises:
        ValueError: fewer than one process or machine.
    """
    line = shlex.join(torchrun_command(run, processes, nodes, device=device))
    folder = torchrun_folder()
    return line if folder is None else f"cd {shlex.quote(str(folder))} && {line}"


def torchrun_folder() -> Path | None:
    """Where the line must be given: the root of a clone that is not installed, or None where any place will do."""
    root = Path(__file__).resolve().parents[1]
    return None if _installed(root) else root


def _installed(root: Path) -> bool:
    """Whether another Python of this environment finds the package from any folder."""
    sites = {Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib")}
    if root in sites:
        return True
    # An editable install leaves a .pth file that names the root, or a finder module named after the project.
    for site in sites:
        for hint in (*site.glob("*.pth"), *site.glob("__editable__*latent_loom*")):
            try:
                if str(root) in hint.read_text("utf-8", errors="replace"):
                    return True
            except OSError:
                continue
    return False


def _launcher() -> list[str]:
    """torchrun of this very environment: another one on the path may have another torch."""
    beside = Path(sys.executable).with_name("torchrun.exe" if os.name == "nt" else "torchrun")
    if beside.is_file():
        found = shutil.which("torchrun")
        return ["torchrun"] if found and os.path.samefile(found, beside) else [str(beside)]
    return [sys.executable, "-m", "torch.distributed.run"]
