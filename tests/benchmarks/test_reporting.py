"""The command line of benchmarks: tables, targets, files and exit codes."""

import json

import pytest

from benchmarks import reporting
from benchmarks.timing import Times


def _section(measured=1.0, panel=False):
    def section(report, args):
        report.table("Rounds", ["", "rounds"], [["all", str(args.rounds)]])
        report.target("a ratio", measured, "at most", 1.5)
        if panel:
            report.panel(title="t", x_label="x", y_label="y", series={"one": [(1, 1), (2, 2)]})

    return section


def _run(words, **sections):
    return reporting.run("A benchmark.\n\nMore.", sections or {"one": _section()}, words)


@pytest.fixture(autouse=True)
def _compiled(monkeypatch):
    monkeypatch.setattr(reporting.native, "unavailable_reason", lambda: None)
    monkeypatch.setattr(reporting, "environment", lambda: {"machine": "imaginary"})


def test_results_are_printed_and_written(tmp_path, capsys):
    file, plot = tmp_path / "out.json", tmp_path / "out.png"
    assert _run(["--json", str(file), "--plot", str(plot)], one=_section(panel=True)) == reporting.DONE
    content = json.loads(file.read_text())
    assert content["environment"] == {"machine": "imaginary"}
    assert content["tables"][0] == {"heading": "Rounds", "head": ["", "rounds"], "rows": [["all", "12"]]}
    target = {"name": "a ratio", "measured": 1.0, "bound": "at most", "limit": 1.5, "met": True}
    assert content["targets"] == [target]
    assert plot.read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    assert printed.startswith("machine imaginary\n")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in printed.splitlines() if "|" in line]
    assert rows[-1] == ["a ratio", "1.00", "at most 1.5", "met"]


@pytest.mark.parametrize(("measured", "code"), [(1.5, reporting.DONE), (1.51, reporting.MISSED)])
def test_check_fails_if_a_target_is_missed(measured, code):
    assert _run(["--check"], one=_section(measured)) == code
    assert _run([], one=_section(measured)) == reporting.DONE


@pytest.mark.parametrize(
    ("bound", "met"), [("at least", [False, True, True]), ("at most", [True, True, False])]
)
def test_targets_are_lower_or_upper_bounds(bound, met):
    assert [reporting.Target("", value, bound, 2).met for value in (1, 2, 3)] == met


def test_only_the_named_sections_run(capsys):
    assert _run(["--only", "two", "--quick"], one=_section(9.0), two=_section()) == reporting.DONE
    printed = capsys.readouterr().out
    assert printed.count("Rounds") == 1
    assert "| all |      3 |" in printed


def test_check_requires_the_compiled_operators(monkeypatch, capsys):
    monkeypatch.setattr(reporting.native, "unavailable_reason", lambda: "not built")
    assert _run(["--check"]) == reporting.BAD_INPUT
    assert capsys.readouterr().err.strip().endswith("are not available: not built")


def test_existing_outputs_are_refused_before_measuring(tmp_path, capsys):
    file = tmp_path / "out.json"
    file.write_text("mine")
    assert _run(["--json", str(file)]) == reporting.BAD_INPUT
    assert file.read_text() == "mine"
    assert "Rounds" not in capsys.readouterr().out
    assert _run(["--json", str(file), "--force"]) == reporting.DONE
    assert _run(["--plot", str(tmp_path / "out.png")]) == reporting.BAD_INPUT
    assert "a section that measures a curve" in capsys.readouterr().err


def test_an_interruption_is_reported(capsys):
    def interrupted(report, args):
        raise KeyboardInterrupt

    assert _run([], one=interrupted) == reporting.INTERRUPTED
    assert capsys.readouterr().err.strip() == "interrupted"


def test_times_are_formatted():
    assert reporting.milliseconds(Times(0.002, 0.0015, 0.003)) == "2.00 (1.50 – 3.00)"
    assert reporting.times_as_long(Times(0.006, 0.004, 0.007), Times(0.002, 0, 0)) == "3.00 (2.00 – 3.50)"
    assert Times(4, 2, 6).over(4) == Times(1, 0.5, 1.5)
