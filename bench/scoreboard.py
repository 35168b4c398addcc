"""The page `docs/scoreboard.md`: what was promised and what was measured, the broken promises first."""

from collections.abc import Mapping, Sequence

from bench.result import Result

_LIMITS = (
    "All processes share the cores: cameras, product, browser and whatever else the machine did. CPU "
    "time hides waiting but not the caches that others spoil: repeats differ by 5 to 10 %, more on a "
    "busy machine; ratios within one run differ less. Waiting times (latency, seek) grow where others "
    "keep all cores busy.",
    "The 36 cameras are one clip from our own simulator over loopback TCP: no packet loss, no UDP, no "
    "TLS, no sound, all in step, each frame in one burst. Their own CPU time is not counted.",
    "The test picture with noise keeps 2 Mbit/s without a pause; a real camera with a variable bit rate "
    "sends less at night.",
    "Neither reference does what the recorder does: it also seals, hashes, signs and syncs each second, "
    "keeps the newest GOP for viewers and serves the feed. They are floors, not competitors.",
    "Glass to glass leaves out what a real lens, sensor and encoder add (commonly 50 to 150 ms) and what "
    "a screen adds (8 to 30 ms): it starts when a frame is due at the camera's socket and ends when the "
    "browser expects to show it.",
    "see_36 has other clips since 1 December 2026: those before moved in 22 % of their frames and jumped "
    "where they loop; the same software cost 19.9 ms on them and 14.5 ms on these (on a loaded machine).",
    "The browser is headless Chromium decoding in software on the same cores: while other work filled "
    "both (load average 8), seek_ms was measured at 638 ms and live_latency_ms at 237 ms.",
)


def scoreboard(results: Sequence[Result], methods: Mapping[str, str], accuracy: str = "") -> str:
    """The whole page; `methods` has a sentence for each result's name, `accuracy` is kept as it stands."""
    ordered = sorted(results, key=lambda result: (result.met, result.name))
    missed = [result for result in ordered if not result.met]
    lines = [
        "# Scoreboard", "",
        "Written by `make bench`; the numbers are in `bench/results.json`. Costs are CPU time (user and",
        "system), start-up left out.", "",
        _summary(missed, ordered), "",
        "| | measure | value | target | compared with | ratio | date |", "|---|---|---|---|---|---|---|",
        *[_row(result) for result in ordered], "",
        "## How each is measured", "",
        *[_method(result, methods) for result in ordered], "",
        "## Measured on", "",
        *[f"* {machine}" for machine in sorted({result.machine for result in ordered})], "",
        "## What these numbers do not say", "",
        *[f"* {words}" for words in _LIMITS], "",
        *([accuracy, ""] if accuracy else []),
    ]  # fmt: skip
    return "\n".join(lines)


def _summary(missed: Sequence[Result], results: Sequence[Result]) -> str:
    if not results:
        return "Nothing has been measured yet."
    if not missed:
        return f"All {len(results)} targets are met."
    names = ", ".join(f"`{result.name}`" for result in missed)
    return f"**{len(missed)} of {len(results)} targets are missed: {names}.**"


def _method(result: Result, methods: Mapping[str, str]) -> str:
    return f"* **{result.name}**: {methods.get(result.name, 'no longer measured.')} `{result.command}`"


def _row(result: Result) -> str:
    cells = (
        "met" if result.met else "**missed**",
        result.name,
        f"{result.value:g} {result.unit}",
        result.target,
        result.reference.replace("|", "\\|"),
        "" if result.ratio is None else f"{result.ratio:.2f}",
        result.date[:10],
    )
    return f"| {' | '.join(cells)} |"
