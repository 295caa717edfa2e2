"""The line that continues a run elsewhere: a shell and torchrun must read it as it is meant."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from engine.runs import torchrun
from tests.contract.tiny import environment


def words(line: str) -> list[str]:
    """The line's words, without the change of folder that a clone needs."""
    return shlex.split(line.split(" && ")[-1])


def test_the_line_names_the_run_whatever_it_is_called(tmp_path):
    run = tmp_path / "my runs; rm -rf $HOME" / "00001-vae-'x'"
    found = words(torchrun.torchrun_line(run, 4))
    assert found[found.index("--run") + 1] == str(run)
    assert "--standalone" in found
    assert "--nproc-per-node=4" in found
    assert found[-1] == "--resume"
    assert words(torchrun.torchrun_line(run, 4, device="cpu"))[-2:] == ["--device", "cpu"]


def test_several_machines_meet_at_one_place_under_one_name(tmp_path):
    found = words(torchrun.torchrun_line(tmp_path / "a run", 8, 2))
    assert {"--nnodes=2", "--rdzv-backend=c10d", "--nproc-per-node=8", "--rdzv-id=a-run"} <= set(found)
    assert any(word.startswith("--rdzv-endpoint=") and word.endswith(":29500") for word in found)
    assert "--standalone" not in found


def test_a_relative_run_is_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(tmp_path / "run") in words(torchrun.torchrun_line(Path("run"), 2))


@pytest.mark.parametrize(("processes", "nodes"), [(0, 1), (2, 0)])
def test_no_process_is_no_job(processes, nodes, tmp_path):
    with pytest.raises(ValueError, match="at least one"):
        torchrun.torchrun_command(tmp_path, processes, nodes)


def test_a_clone_says_where_to_go_and_an_install_does_not(tmp_path, monkeypatch):
    root = Path(torchrun.__file__).resolve().parents[1]
    monkeypatch.setattr(torchrun, "_installed", lambda _: False)
    assert torchrun.torchrun_line(tmp_path, 2).startswith(f"cd {shlex.quote(str(root))} && ")
    monkeypatch.setattr(torchrun, "_installed", lambda _: True)
    assert torchrun.torchrun_folder() is None
    assert not torchrun.torchrun_line(tmp_path, 2).startswith("cd ")


def test_an_editable_install_counts_as_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(torchrun.sysconfig, "get_path", lambda name: str(tmp_path))
    root = Path(torchrun.__file__).resolve().parents[1]
    assert torchrun.torchrun_folder() == root
    (tmp_path / "latent_loom.pth").write_text(f"{root}\n")
    assert torchrun.torchrun_folder() is None


def test_the_window_needs_no_torch_to_show_the_line():
    code = "import sys, engine.runs.torchrun; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=environment(), check=False, timeout=300).returncode == 0


def test_torchrun_reads_the_line_as_it_is_meant(tmp_path, monkeypatch):
    """Its parser would otherwise take --run for a short form of --run-path."""
    from torch.distributed.run import parse_args

    line = words(torchrun.torchrun_line(tmp_path, 2, device="cpu"))
    start = next(i for i, word in enumerate(line) if word.startswith("--standalone"))
    args = parse_args(line[start:])
    assert (args.module, args.training_script, args.nproc_per_node) == (True, "engine.cli", "2")
    assert args.training_script_args == ["train", "--run", str(tmp_path), "--resume", "--device", "cpu"]
