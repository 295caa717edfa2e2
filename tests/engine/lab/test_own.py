"""Truths that a person brings along: what is read of a file, what is refused, and what is known of a drawing."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from engine.errors import UsageError
from engine.lab.columns import MOST_ROWS, read_columns
from engine.lab.lines import read, read_all
from engine.lab.measure import against, sliced_wasserstein
from engine.lab.names import Stamp, csv_name, drawn_name, stamps_of
from engine.lab.own import named
from engine.lab.presets import PRESETS
from engine.lab.setup import LabTraining, Setup
from engine.lab.stage import Stage
from engine.lab.truths import mesh
from engine.lab.viewer import truth_info
from engine.lab.written import written, written_all


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def file_of(folder, text: str | bytes, name: str = "a.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def numbers(count: int = 40, columns: int = 1, separator: str = ",") -> str:
    rows = np.random.default_rng(0).normal(170, 9, (count, columns))
    return "".join(separator.join(f"{value:.3f}" for value in row) + "\n" for row in rows)


@pytest.mark.parametrize(
    ("text", "names", "columns"),
    [
        (numbers(), (), 1),
        ("height\n" + numbers(), ("height",), 1),
        ("\ufeffheight;weight\r\n" + numbers(columns=2, separator=";").replace(".", ","), ("height", "weight"), 2),
        ("a\tb\n" + numbers(columns=2, separator="\t"), ("a", "b"), 2),
        (numbers(columns=2, separator="  "), (), 2),
        ('"x","y"\n\n' + numbers(columns=2).replace("\n", "\n\n"), ("x", "y"), 2),
        (("größe\n" + numbers()).encode("latin-1"), ("größe",), 1),
        (("height\n" + numbers()).encode("utf-16"), ("height",), 1),
        (numbers().replace("\n", "\r"), (), 1),
    ],
)
def test_a_file_of_numbers_is_read_however_it_is_written(tmp_path, text, names, columns):
    found = read_columns(file_of(tmp_path, text))
    assert found.names == names
    assert found.rows.shape == (40, columns)
    assert found.of == 40
    plain = read_columns(file_of(tmp_path, numbers(columns=columns), "plain.csv"))
    assert np.array_equal(found.rows, plain.rows)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is no text"),
        ("x\n5\n", "has 1 row of numbers"),
        ("x\n", "has 0 rows of numbers"),
        ("5\n" * 50, "is 5 in every row: bring"),
        ("".join(f"{i},7\n" for i in range(50)), "Column 2 of a.csv is 7 in every row: take"),
        ("0\n" * 77 + "1\n" + "0\n" * 922, "Column 1 of a.csv is 0 in nearly every row"),
        (numbers(columns=3), "has 3 columns"),
        (numbers() + "tall\n" + numbers(), "'tall' in line 41"),
        (numbers(columns=2) + "1.5,\n", "gap in line 41"),
        (numbers() + "nan\n", "nan in line 41"),
        (numbers() + "-inf\n", "-inf in line 41"),
        (numbers() + "1e200\n", "1e200 in line 41"),
        (numbers() + "NA\n", "'NA' in line 41"),
        ("NA\n" + numbers(), "'NA' in line 1"),
        (numbers(columns=2) + "1\n", "Line 41 of a.csv has 1 columns"),
        (numbers() + "1_000\n", "'1_000' in line 41"),
        (numbers() + "\u0661\u0662\n", "in line 41"),
        ('"' + "9" * 200_000, "cannot be read"),
        ('"' + numbers(), "rows of numbers"),
        ("1\n" * 2_000_001, "lines, and 2,000,000 can be read"),
    ],
)
def test_what_no_model_can_learn_is_one_sentence_that_says_where(tmp_path, text, said):
    path = file_of(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        named(csv_name(path))
    assert said in str(caught.value)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_a_number_that_only_the_rows_that_judge_hold_is_nothing_to_learn(tmp_path):
    refused = 0
    for place in range(20):
        path = file_of(tmp_path, "".join(f"{int(row == place)}\n" for row in range(20)), f"{place}.csv")
        try:
            assert math.isfinite(named(csv_name(path)).entropy)
        except UsageError:
            refused += 1
    assert refused == 4, "every fifth row judges"


def test_what_is_no_file_is_said(tmp_path):
    for path in (tmp_path / "gone.csv", tmp_path):
        with pytest.raises(UsageError, match="cannot be read"):
            named(csv_name(path))
    with pytest.raises(UsageError, match="cannot be read"):
        named("csv:\0")


def test_of_many_rows_some_are_drawn_and_it_is_said(tmp_path):
    count = 60_000
    found = named(csv_name(file_of(tmp_path, "".join(f"{i}\n" for i in range(count)))))
    assert f"{MOST_ROWS:,} rows drawn from {count:,}" in found.note
    # Of 0 to N - 1, evenly: the mean is N / 2, the deviation N / sqrt 12.
    assert found.shift[0] == pytest.approx(count / 2, rel=0.02)
    assert found.scale[0] == pytest.approx(count / math.sqrt(12), rel=0.02)


def test_heights_are_learned_in_their_deviations_and_none_that_judges_is_learned(tmp_path):
    rng = np.random.default_rng(1)
    tall = np.where(rng.random(3000) < 0.5, rng.normal(165, 4, 3000), rng.normal(185, 4, 3000))
    found = named(csv_name(file_of(tmp_path, "".join(f"{value:.6f}\n" for value in tall))))
    assert (found.shift[0], found.scale[0]) == pytest.approx((175, math.hypot(10, 4)), rel=0.01)
    learned, judged = found.draw(30_000, seeded()), found.fresh(4096, seeded())
    assert not set(learned.flatten().tolist()) & set(judged.flatten().tolist())
    both = torch.cat([learned.unique(), judged.unique()]).double() * found.scale[0] + found.shift[0]
    np.testing.assert_allclose(np.sort(both.numpy()), np.sort(tall.round(6)), atol=1e-4)
    counts = judged.flatten().unique(return_counts=True)[1]
    assert counts.max() - counts.min() <= 1, "each judges as much as any other"
    # In centimetres the entropy is log 2 over that of N(0, 4^2), as the heaps hardly touch.
    entropy = math.log(2) + 0.5 * math.log(2 * math.pi * math.e * 16)
    assert found.entropy + math.log(found.scale[0]) == pytest.approx(entropy, abs=0.07)
    points, cell = mesh(found.view, 5000, 1)
    assert float(found.log_density(points).exp().sum()) * cell == pytest.approx(1.0, abs=0.005)


def test_a_preset_learns_a_file_and_is_held_against_an_estimate(tmp_path):
    rng = np.random.default_rng(2)
    x = rng.normal(0, 1, 2000)
    rows = np.stack([170 + 10 * x, 70 + 12 * (0.8 * x + 0.6 * rng.normal(0, 1, 2000))], 1)
    path = file_of(tmp_path, "height,weight\n" + "".join(f"{a:.4f},{b:.4f}\n" for a, b in rows))
    row = PRESETS["flow-realnvp"]
    setup = Setup(csv_name(path), row.family, dict(row.knobs), LabTraining(steps=60))
    stage = Stage(setup)
    stage.advance(60)
    found = {one.name: one for one in stage.figures()}
    # Two numbers with correlation 0.8: 1 + log 2 pi + log 0.6.
    assert found["nll"].value == pytest.approx(1 + math.log(2 * math.pi) + math.log(0.6), abs=0.15)
    assert found["nll"].floor == pytest.approx(found["nll"].value, abs=0.2)
    assert found["gap"].title == "Above the estimate"
    info = truth_info(setup.truth)
    assert (info.estimate, info.columns, info.title) == (True, ("height", "weight"), "a")
    assert read(written(setup)) == setup
    path.unlink()
    with pytest.raises(UsageError, match=r"a\.csv cannot be read \(No such file"):
        read(written(setup))


def test_rounded_numbers_have_no_comb_for_a_density():
    found = named("geyser")
    points, _ = mesh(found.view, 4000, 1)
    density = found.log_density(points).exp()
    tops = (density[1:-1] > density[:-2]) & (density[1:-1] > density[2:])
    assert int(tops.sum()) <= 4, "minutes are whole numbers, eruptions are not"
    assert found.entropy + math.log(found.scale[0]) == pytest.approx(3.80, abs=0.06)


STAMPS = (Stamp(-1.0, 0.5, 3.0, 0.2), Stamp(2.0, -1.0, 1.0, 0.5))


def test_a_drawing_is_the_mixture_that_its_stamps_are():
    found = named(drawn_name(STAMPS))
    assert stamps_of(drawn_name(STAMPS)) == STAMPS
    x = torch.randn(50, 2, generator=seeded()).double()
    means, spreads = torch.tensor([[-1.0, 0.5], [2.0, -1.0]]).double(), torch.tensor([[0.2, 0.2], [0.5, 0.5]]).double()
    known = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(torch.tensor([0.75, 0.25]).double()),
        torch.distributions.Independent(torch.distributions.Normal(means, spreads), 1),
    )
    torch.testing.assert_close(found.log_density(x), known.log_prob(x))
    # The two stamps lie far apart: the entropy is that of which, and that of each.
    parts = [
        -w * math.log(w) + w * (1 + math.log(2 * math.pi) + 2 * math.log(s)) for w, s in ((0.75, 0.2), (0.25, 0.5))
    ]
    assert found.entropy == pytest.approx(sum(parts), abs=1e-5)
    drawn = found.draw(20_000, seeded())
    assert sliced_wasserstein(drawn, known.sample((20_000,))) < 0.05
    assert against(found, found.log_density).missing == pytest.approx(0, abs=1e-4)
    assert not found.estimate
    wide = named(drawn_name([Stamp(0, 0), Stamp(4, 4, 1, 1)]))
    assert float(wide.log_density(mesh(wide.view, 200, 2)[0]).exp().sum()) * mesh(wide.view, 200, 2)[
        1
    ] == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("drawn:", "between 1 and 600 stamps"),
        ("drawn:" + "0,0,1,.1;" * 601, "this one has 601"),
        ("drawn:0,0,1", "needs four numbers"),
        ("drawn:0,0,1,.1;0,0,one,.1", "Stamp 2"),
        ("drawn:9,0,1,.1", "x of stamp 1 must be between -4 and 4"),
        ("drawn:0,nan,1,.1", "y of stamp 1"),
        ("drawn:0,0,0,.1", "weight of stamp 1"),
        ("drawn:0,0,1,1e-9", "width of stamp 1"),
        ("drawn:" + "0,0,1,.1;" * 9000, "truth must be one of"),
        ("csv:" + "x" * 30_000, "truth must be one of"),
        ("donut", "truth must be one of ring8"),
    ],
)
def test_a_name_that_is_none_is_said(name, said):
    with pytest.raises(UsageError, match=said) as caught:
        named(name)
    assert len(str(caught.value)) < 500


def test_a_set_up_line_names_no_other_machine_and_has_room_for_a_drawing():
    for path in ("//server/share/a.csv", "\\\\server\\share\\a.csv"):
        with pytest.raises(UsageError, match="another machine"):
            read(written(Setup(f"csv:{path}")))
    rng = np.random.default_rng(0)
    many = [Stamp(*map(float, rng.uniform(-4, 4, 2)), float(rng.uniform(1, 10)), 0.1234) for _ in range(600)]
    setup = Setup(drawn_name(many))
    assert read(written(setup)) == setup
    both = (setup, Setup(setup.truth, "gan"))
    assert read_all(written_all(both)) == both, "two stages name it twice"
