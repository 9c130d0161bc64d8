"""``lpfl explain``: the forecast against runs, files that are refused, words, picture."""

import json
import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import torch

from lpfl.cli import main
from lpfl.explain import forecast, listed_inputs, named_inputs, read_inputs
from lpfl.explain.picture import picture
from lpfl.explain.words import answer, as_json
from lpfl.measure.alignment import alignment
from lpfl.problems.single_index import draw_problem
from lpfl.problems.single_index.directions import kfac_direction, sgd_direction
from lpfl.problems.single_index.model import Sample, draw_targets
from lpfl.problems.single_index.moments import moments, plain_rows
from lpfl.seeding import generator

COUNTER = listed_inputs([0.1, 1.9], 400)


def drawn_rows(dim, rows, condition, name="explain"):
    """Gaussian rows (rows, dim) with a mean that is not 0."""
    stream = generator(0, name, dim)
    scale = torch.from_numpy(np.geomspace(1.0, condition, dim)).sqrt()
    white = torch.randn((rows, dim), generator=stream, dtype=torch.float64)
    return (3.0 + white * scale).numpy()


def measured(rows, *, samples, link, noise_std, damping, replicates):
    """Mean squared cosines of SGD and of KFAC on batches drawn from centred ``rows``."""
    X = torch.from_numpy(rows - rows.mean(axis=0))
    stream = generator(1, "explain runs", *X.shape)
    problem = draw_problem(
        X.mT @ X / (len(X) - 1), replicates=replicates, generator=stream, link=link,
        noise_std=noise_std,
    )  # fmt: skip
    chosen = torch.randint(len(X), (replicates, samples), generator=stream)
    inputs = X[chosen]
    index = torch.einsum("rnd,rd->rn", inputs, problem.teacher)
    batch = moments(plain_rows(Sample(inputs, draw_targets(problem, index, generator=stream))))
    directions = (sgd_direction(batch), kfac_direction(batch, damping=damping))
    return [float(alignment(d, problem.teacher).mean()) for d in directions]


@pytest.mark.parametrize("kind", [".csv", ".npy", "labels.csv", "single.npy"])
def test_forecast_from_a_file_agrees_with_runs_on_its_rows(tmp_path, kind):
    """Tolerance: 2/d of the limit, 3 standard errors 3 sqrt(2/(d R)), 4 % for the estimate of the
    spectrum from 100 rows a dimension (m_2 is off by d/rows = 1 %)."""
    dim, samples, replicates = 60, 180, 60
    rows = drawn_rows(dim, 6000, 30.0)
    path, leave_out = tmp_path / f"rows{kind}", []
    if kind.endswith(".npy"):
        np.save(path, rows.astype(np.float32) if kind == "single.npy" else rows)
    elif kind == "labels.csv":
        species, leave_out = ("setosa", "virginica"), ["species", "1"]
        lines = [",".join(["id", *(f"x {i}" for i in range(dim)), "species"])]
        for i, row in enumerate(rows):
            cells = ",".join(f"{value:.17g}" for value in row)
            lines.append(f"{i},{cells},{species[i % 2]}")
        path.write_text("\n".join(lines))
    else:
        names = ",".join(f"x{i}" for i in range(dim))
        np.savetxt(path, rows, delimiter=",", header=names, comments="", fmt="%.17g")
    inputs = read_inputs(path, leave_out=leave_out)
    found = forecast(inputs, samples=samples, link="he12", noise_std=0.3)
    runs = measured(rows, samples=samples, link="he12", noise_std=0.3,
                    damping=found.best_damping, replicates=replicates)  # fmt: skip
    room = 2 / dim + 3 * math.sqrt(2 / (dim * replicates))
    for name, value in zip(("SGD", "KFAC, best damping"), runs, strict=True):
        predicted = found.row(name).reaches
        assert abs(value - predicted) <= room + 0.04 * predicted
    assert runs[1] - runs[0] > 2 * room  # the runs tell the two apart, as the answer does
    assert answer(found).startswith("Yes")


def test_a_typed_spectrum_agrees_with_runs(capsys):
    """Five large eigenvalues and 55 small ones; tolerance as above, the spectrum is known."""
    samples, replicates, dim = 150, 60, 60
    assert main(["explain", "--eigenvalues", "6*5,1*55", "--samples", "150", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    reaches = {row["method"]: row["alignment"] for row in found["one_step"]}
    values = torch.tensor([6.0] * 5 + [1.0] * 55, dtype=torch.float64)
    stream = generator(2, "typed spectrum")
    problem = draw_problem(
        torch.diag(values), replicates=replicates, generator=stream, link="tanh", noise_std=0.3
    )
    white = torch.randn((replicates, samples, dim), generator=stream, dtype=torch.float64)
    inputs = white * values.sqrt()
    index = torch.einsum("rnd,rd->rn", inputs, problem.teacher)
    batch = moments(plain_rows(Sample(inputs, draw_targets(problem, index, generator=stream))))
    directions = {
        "SGD": sgd_direction(batch),
        "KFAC, damping 0.1": kfac_direction(batch, damping=0.1),
        "KFAC, no damping": kfac_direction(batch, damping=0.0),
    }
    room = 2 / dim + 3 * math.sqrt(2 / (dim * replicates))
    for name, direction in directions.items():
        value = float(alignment(direction, problem.teacher).mean())
        assert value == pytest.approx(reaches[name], abs=room)


def test_columns_that_are_no_inputs(tmp_path, capsys):
    rows = drawn_rows(4, 50, 3.0)
    text = "\n".join(
        ["a,b,target,c,d", *(f"{x[0]},{x[1]},{i % 3},{x[2]},{x[3]}" for i, x in enumerate(rows))]
    )
    (tmp_path / "t.csv").write_text(text)
    np.save(tmp_path / "t.npy", rows)
    bare = read_inputs(tmp_path / "t.npy").eigenvalues
    for words in (["target"], ["3"]):
        found = read_inputs(tmp_path / "t.csv", leave_out=words)
        np.testing.assert_allclose(found.eigenvalues, bare, rtol=1e-12)
        assert "counts as an input" not in " ".join(found.warnings)
    assert "Column 'target' counts as an input" in " ".join(
        read_inputs(tmp_path / "t.csv").warnings
    )
    np.testing.assert_allclose(
        read_inputs(tmp_path / "t.npy", leave_out=["2", "4"]).eigenvalues.sum(),
        rows[:, [0, 2]].var(axis=0, ddof=1).sum(),
    )
    assert main(["explain", str(tmp_path / "t.csv"), "--leave-out", "target, b"]) == 0
    capsys.readouterr()
    for word in ("x", "0", "6", ""):
        assert main(["explain", str(tmp_path / "t.csv"), "--leave-out", word]) == 2
        assert "leave-out" in capsys.readouterr().err


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_rounding_of_the_file_makes_no_direction(tmp_path, kind):
    """The last column is the sum of two others, up to the precision of the file."""
    rows = drawn_rows(6, 400, 3.0)
    np.save(tmp_path / "a.npy", np.column_stack([rows, rows[:, 0] + rows[:, 1]]).astype(kind))
    found = read_inputs(tmp_path / "a.npy")
    assert found.dim == 6
    assert "1 of 7 directions have no variance" in " ".join(found.warnings)


@pytest.mark.parametrize("method", ["SGD", "KFAC, best damping", "KFAC, damping 0.1",
                                    "KFAC, average 0.9", "exponent 0.5"])  # fmt: skip
def test_the_needed_samples_reach_the_target(method):
    found = forecast(named_inputs("geometric", 200, 3.0), samples=400, target=0.6)
    row = found.row(method)
    assert row.curve(200 / row.samples) == pytest.approx(0.6, abs=1e-3)


def test_the_unit_of_the_inputs_changes_nothing():
    one = forecast(COUNTER, samples=800, damping=0.1)
    other = forecast(listed_inputs([0.4, 7.6], 400), samples=800, damping=0.4)
    for a, b in zip(one.rows, other.rows, strict=True):
        assert a.reaches == pytest.approx(b.reaches, rel=1e-9)
    assert other.best_damping == pytest.approx(4 * one.best_damping)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.csv", "1,2\n3,x\n4,5\n", "a.csv:2 holds 'x'"),
        ("a.csv", "1,2\n3\n4,5\n", "a.csv:2 has 1 cells, needs 2"),
        ("a.csv", "1,2\n3,nan\n4,5\n", "holds 'nan'"),
        ("a.csv", "1,2\n3,1_0\n4,5\n", "holds '1_0', needs a number of size"),
        ("a.csv", "1;2\n3;1\n4;5\n", "a.csv:2 holds '3;1', needs a number of size <= 1e+60"),
        ("a.csv", "1,2\n3,1e99\n4,5\n", "needs a number of size <= 1e+60"),
        ("a.csv", "1e-200,0\n0,3e-200\n0,0\n", "largest entry is 3e-200, needs >= 1e-60"),
        ("a.csv", "x,y\n", "0 rows of numbers"),
        ("a.csv", "1,2\n1,2\n1,2\n", "0 directions have variance"),
        ("a.npy", "no array", "no npy file"),
        ("a.txt", "1,2\n", "needs the ending .csv or .npy"),
    ],
)  # fmt: skip
def test_bad_files_are_one_line(tmp_path, capsys, name, text, says):
    (tmp_path / name).write_text(text)
    assert main(["explain", str(tmp_path / name)]) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1


def test_a_header_that_claims_more_than_the_file_holds_is_one_line(tmp_path, capsys):
    np.save(tmp_path / "a.npy", np.ones((3, 2)))
    honest, claim = b"(3, 2), }", b"(3000000000000, 2), }"
    room = b" " * (len(claim) - len(honest))
    content = (tmp_path / "a.npy").read_bytes()
    assert honest + room in content
    (tmp_path / "a.npy").write_bytes(content.replace(honest + room, claim))
    assert main(["explain", str(tmp_path / "a.npy")]) == 2
    err = capsys.readouterr().err
    assert "no npy file of numbers" in err
    assert err.count("\n") == 1


def test_a_pickle_is_never_opened(tmp_path, capsys):
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert main(["explain", str(tmp_path / "a.npy")]) == 2
    assert "no npy file of numbers" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["--dim", "20"],
        ["--samples", "20"],
        ["--dim", "20", "--samples", "0"],
        ["--dim", "20", "--samples", "9", "--condition", "nan"],
        ["--dim", "20", "--samples", "9", "--link", "he2"],
        ["--dim", "20", "--samples", "9", "--link", "nonsense"],
        ["--dim", "20", "--samples", "9", "--target", "1"],
        ["--dim", "20", "--samples", "9", "--damping", "-1"],
        ["--dim", "20", "--samples", "9", "--decay", "1"],
        ["--dim", "20", "--samples", "9", "--exponent", "inf"],
        ["--dim", "20", "--samples", "9", "--rank", "20"],
        ["--dim", "20", "--samples", "9", "--noise", "-1"],
        ["--dim", "20", "--samples", "9", "--picture", "a.png"],
        ["--eigenvalues", "1,-2", "--samples", "9"],
        ["--eigenvalues", "1,b", "--samples", "9"],
        ["--eigenvalues", "1*0,2", "--samples", "9"],
        ["--eigenvalues", "1*2*3,2", "--samples", "9"],
        ["--eigenvalues", "1*9999999,2", "--samples", "9"],
        ["--dim", "20", "--samples", "9", "--leave-out", "y"],
        ["no/such/file.csv"],
    ],
    ids=" ".join,
)
def test_bad_options_are_one_line(capsys, words):
    assert main(["explain", *words]) == 2
    err = capsys.readouterr().err
    assert err.startswith("lpfl: error: ")
    assert err.count("\n") == 1


def test_command_json_and_picture(tmp_path, capsys):
    path = tmp_path / "forecast.svg"
    words = ["explain", "--eigenvalues", "0.1,1.9", "--dim", "400", "--samples", "800",
             "--picture", str(path), "--json"]  # fmt: skip
    assert main(words) == 0
    shown = json.loads(capsys.readouterr().out)
    found = forecast(COUNTER, samples=800)
    assert shown == json.loads(json.dumps(as_json(found)))
    assert path.read_text() == picture(found)
    assert len(ET.fromstring(path.read_text())) > 20
    assert main(words) == 2  # an earlier picture is kept
    assert "exists, needs a new name" in capsys.readouterr().err
    assert main(words[:-3]) == 0
    assert capsys.readouterr().out.splitlines()[0] == shown["answer"]
