"""`python -m bench [NAME…] [--seconds N]`: measure, keep the results, write the scoreboard."""

import argparse
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
import playwright.sync_api

from bench import (
    alarm_latency,
    archive_query,
    export,
    live_latency,
    record_36,
    record_sealed_36,
    see_36,
    seeing,
    seek,
    verify_ratio,
    viewers,
)
from bench.machine import describe_machine
from bench.measure import Measure, say, work_folder
from bench.result import Circumstances, Result, load_results, merge_results, result_of, write_results
from bench.scoreboard import scoreboard
from civiscope.evaluation import accuracy_section

MEASURES: tuple[Measure, ...] = (
    record_36.MEASURE,
    record_sealed_36.MEASURE,
    see_36.MEASURE,
    seeing.MEASURE,
    alarm_latency.MEASURE,
    live_latency.MEASURE,
    seek.MEASURE,
    viewers.MEASURE,
    export.MEASURE,
    verify_ratio.MEASURE,
    archive_query.MEASURE,
)
FAILURES = (AssertionError, OSError, subprocess.SubprocessError, httpx.HTTPError, playwright.sync_api.Error)
"""What makes one measure fail and lets the others go on; anything else is a fault of ours."""
_CHECKOUT = Path(__file__).resolve().parents[1]
RESULTS = _CHECKOUT / "bench" / "results.json"
SCOREBOARD = _CHECKOUT / "docs" / "scoreboard.md"


def main(words: list[str]) -> int:
    """Exit code 0: measured, whether targets are met or not; 1: a measure could not be taken."""
    known = {measure.name: measure for measure in MEASURES}
    parser = argparse.ArgumentParser("bench", description="Measure this machine.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}; none: all")
    parser.add_argument("--seconds", type=float, help="length of each window instead of the measure's own")
    asked = parser.parse_args(words)
    if unknown := [name for name in asked.names if name not in known]:
        parser.error(f"no measure {', '.join(unknown)}; there are {', '.join(known)}")
    failed = [
        measure.name
        for measure in (known[name] for name in asked.names or known)
        if not _measure(measure, asked.seconds or measure.default_s)
    ]
    if failed:
        print(f"not measured: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _measure(measure: Measure, seconds: float) -> bool:
    """One measure, kept at once, so that a later failure costs only its own; False when it failed."""
    print(f"{measure.name}, {seconds:g} s", flush=True)
    command = f"python -m bench {measure.name} --seconds {seconds:g}"
    at = Circumstances(command, describe_machine(), datetime.now(UTC).isoformat(timespec="seconds"))
    with work_folder() as folder:
        try:
            found = measure.run(folder, seconds)
        except FAILURES as error:
            say(f"failed: {error}")
            return False
    results = [result_of(finding, at) for finding in found]
    for result in results:
        say(_line(result))
    kept = merge_results(load_results(RESULTS), results)
    write_results(RESULTS, kept)
    methods = {name: words for one in MEASURES for name, words in one.methods.items()}
    accuracy = accuracy_section(SCOREBOARD.read_text(encoding="utf-8")) if SCOREBOARD.exists() else ""
    SCOREBOARD.write_text(scoreboard(kept, methods, accuracy), encoding="utf-8")
    return True


def _line(result: Result) -> str:
    ratio = "" if result.ratio is None else f", ratio {result.ratio:.2f}"
    verdict = "met   " if result.met else "MISSED"
    return f"{verdict} {result.name}: {result.value:g} {result.unit}{ratio} ({result.target})"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
