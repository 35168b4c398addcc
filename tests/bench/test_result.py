"""Results: what counts as met, and a file in which a partial run keeps what it did not measure."""

from dataclasses import replace
from pathlib import Path

import pytest
from bench.result import (
    Circumstances,
    Finding,
    Result,
    load_results,
    merge_results,
    result_of,
    write_results,
)

AT = Circumstances("python -m bench x --seconds 1", "a machine", "2026-11-21T08:00:00+00:00")


@pytest.mark.parametrize(("value", "is_met"), [(399.9, True), (400.0, True), (400.1, False)])
def test_without_a_reference_the_limit_is_for_the_value(value: float, is_met: bool) -> None:
    result = result_of(Finding("live_latency_ms", value, "ms", 400.0, "p95"), AT)
    assert (result.met, result.ratio, result.target) == (is_met, None, "≤ 400 ms")
    assert (result.command, result.machine, result.date) == (AT.command, AT.machine, AT.date)


@pytest.mark.parametrize(("value", "is_met"), [(1.5, True), (1.51, False)])
def test_with_a_reference_the_limit_is_for_the_ratio(value: float, is_met: bool) -> None:
    result = result_of(Finding("record", value, "ms", 3.0, "PyAV", 0.5), AT)
    assert (result.met, result.target) == (is_met, "ratio ≤ 3")
    assert result.ratio == pytest.approx(value / 0.5, abs=0.01)


def test_a_rounded_value_is_judged_before_it_is_rounded() -> None:
    result = result_of(Finding("seek_ms", 500.4, "ms", 500.0), AT)
    assert (result.value, result.met) == (500.0, False)


def test_a_partial_run_keeps_the_results_it_did_not_measure(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    assert load_results(path) == []
    first = [result_of(Finding(name, 1.0, "ms", 2.0), AT) for name in ("b", "a")]
    write_results(path, merge_results([], first))
    newer = replace(first[0], value=3.0, met=False)
    write_results(path, merge_results(load_results(path), [newer]))
    assert load_results(path) == [first[1], newer]


def test_a_file_that_is_not_ours_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text('[{"name": "a"}]')
    with pytest.raises(ValueError, match=r"results\.json is no list of results"):
        load_results(path)


def test_the_fields_are_those_promised() -> None:
    names = "name value unit target met reference ratio command machine date"
    assert " ".join(Result.__dataclass_fields__) == names
