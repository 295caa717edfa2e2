"""Comparing runs: what differs, which figure is best, and that unlike things are not ranked."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from engine.runs import directory as runs
from engine.runs.compare import Compared, compare_runs, final_figures, table_csv


def column(
    name: str,
    figures: dict[str, float],
    *,
    fingerprint: str = "same",
    model: dict[str, object] | None = None,
    training: dict[str, object] | None = None,
) -> Compared:
    config = runs.RunConfig(
        "vae", model or {"beta": 1.0}, training or {"steps": 10}, "d", None, fingerprint, (3, 8, 8), name
    )
    info = runs.RunInfo(Path(name), name, config, runs.RunStatus("done", 10, 10, False), 0.0)
    return Compared(info, {key: (10, value) for key, value in figures.items()})


def rows(*columns: Compared):
    return {row.name: row for row in compare_runs(columns)}


def test_what_differs_and_what_is_best():
    table = rows(
        column("a", {"heldout/bits_per_dim": 4.0, "psnr_db": 20.0, "generator_loss": 1.0}, model={"beta": 4.0}),
        column("b", {"heldout/bits_per_dim": 3.5, "psnr_db": 22.0, "generator_loss": 2.0}),
        column("c", {"heldout/bits_per_dim": 3.5, "psnr_db": 21.0}),
    )
    assert table["beta"].texts == ("4", "1", "1")
    assert table["beta"].differs
    assert not table["steps"].differs
    assert table["heldout/bits_per_dim"].best == (1, 2), "lower is better, and two may be best"
    assert table["psnr_db"].best == (1,)
    assert table["generator_loss"].best == (), "no loss of a game is better than another"
    assert table["generator_loss"].texts[2] == ""


def test_other_pictures_are_not_ranked():
    figures = {"heldout/bits_per_dim": 4.0, "images_per_second": 10.0}
    table = rows(column("a", figures), column("b", {k: v + 1 for k, v in figures.items()}, fingerprint="other"))
    assert table["heldout/bits_per_dim"].best == ()
    assert table["images_per_second"].best == (1,)


def test_alike_is_nobody_s_victory():
    table = rows(column("a", {"psnr_db": 20.0}), column("b", {"psnr_db": 20.0}))
    assert table["psnr_db"].best == ()


@pytest.mark.parametrize("count", [0, 1, 7])
def test_two_to_six(count):
    with pytest.raises(ValueError, match="2 to 6"):
        compare_runs([column(str(n), {}) for n in range(count)])


def test_last_figures_come_from_the_end_of_the_file(tmp_path):
    for step in range(3):
        runs.append_metrics(tmp_path, step, {"loss": 10.0 - step, "bad": float("nan")})
    runs.append_metrics(tmp_path, 3, {"heldout/psnr_db": 20.0})
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('junk\n{"step": "x"}\n{"step": 4, "loss": 1e999}\n{"step": 5, "loss": 0')
    assert final_figures(tmp_path) == {"loss": (2, 8.0), "heldout/psnr_db": (3, 20.0)}
    assert final_figures(tmp_path / "nothing") == {}


def test_the_text_is_read_by_spreadsheets_and_runs_no_formula():
    columns = [column('=1+1"', {}), column("a,b", {})]
    read = list(csv.reader(io.StringIO(table_csv(columns, compare_runs(columns)))))
    assert read[0] == ["", "'=1+1\"", "a,b"]
    assert {len(line) for line in read} == {3}
