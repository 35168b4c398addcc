"""The page: broken promises first, every number with its method, its circumstances and its limits."""

from bench.machine import describe_machine
from bench.result import Circumstances, Finding, result_of
from bench.scoreboard import scoreboard

AT = Circumstances("python -m bench x --seconds 1", "a machine", "2026-11-21T08:00:00+00:00")
MET = result_of(Finding("alpha", 1.0, "ms", 2.0, "alone | quiet"), AT)
MISSED = result_of(Finding("zulu", 9.0, "ms", 2.0, "the floor", 3.0), AT)
METHODS = {"alpha": "How alpha is found.", "zulu": "How zulu is found."}


def test_missed_targets_stand_first_and_are_named() -> None:
    page = scoreboard([MET, MISSED], METHODS)
    assert "**1 of 2 targets are missed: `zulu`.**" in page
    assert page.index("| **missed** | zulu |") < page.index("| met | alpha |")


def test_a_row_says_value_target_comparison_and_ratio() -> None:
    page = scoreboard([MET, MISSED], METHODS)
    assert "| **missed** | zulu | 9 ms | ratio ≤ 2 | the floor | 3.00 | 2026-11-21 |" in page
    assert "| met | alpha | 1 ms | ≤ 2 ms | alone \\| quiet |  | 2026-11-21 |" in page


def test_methods_machine_and_limits_are_told() -> None:
    page = scoreboard([MET, MISSED], METHODS)
    assert "How alpha is found." in page
    assert "`python -m bench x --seconds 1`" in page
    assert "## Measured on\n\n* a machine\n" in page
    assert "## What these numbers do not say" in page


def test_all_met_and_nothing_measured_are_said() -> None:
    assert "All 1 targets are met." in scoreboard([MET], METHODS)
    assert "Nothing has been measured yet." in scoreboard([], METHODS)


def test_a_result_without_a_measure_any_more_is_shown_as_such() -> None:
    assert "**alpha**: no longer measured." in scoreboard([MET], {})


def test_the_machine_is_described_in_one_line() -> None:
    words = describe_machine()
    assert "cores" in words
    assert "GiB" in words
    assert "\n" not in words
