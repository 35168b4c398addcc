"""What a measure found, and the file that keeps the newest result of each name."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Finding:
    """One number a measure found. With a reference of the same unit, the limit is for the ratio."""

    name: str
    value: float
    unit: str
    limit: float
    """The most it may be: of the ratio where there is a reference, else of the value."""
    reference: str = ""
    """What it is compared with, or under which circumstances it was measured, in words."""
    reference_value: float | None = None

    @property
    def ratio(self) -> float | None:
        """Value over reference."""
        return None if self.reference_value is None else self.value / self.reference_value

    @property
    def target(self) -> str:
        """The limit in words."""
        if self.reference_value is not None:
            return f"ratio ≤ {self.limit:g}"
        return f"≤ {self.limit:g} {self.unit}"

    @property
    def is_met(self) -> bool:
        """Within the limit."""
        return (self.value if self.ratio is None else self.ratio) <= self.limit


@dataclass(frozen=True, slots=True)
class Result:
    """A finding with where, when and how it was found; the fields are those of `results.json`."""

    name: str
    value: float
    unit: str
    target: str
    met: bool
    reference: str
    ratio: float | None
    command: str
    machine: str
    date: str
    """ISO 8601, UTC."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What all results of one run share."""

    command: str
    machine: str
    date: str


def result_of(finding: Finding, circumstances: Circumstances) -> Result:
    """The finding as it is kept, rounded to what the method can tell apart."""
    return Result(
        finding.name,
        _rounded(finding.value),
        finding.unit,
        finding.target,
        finding.is_met,
        finding.reference,
        None if finding.ratio is None else round(finding.ratio, 2),
        circumstances.command,
        circumstances.machine,
        circumstances.date,
    )


def load_results(path: Path) -> list[Result]:
    """What the file holds; nothing where there is no file. Raises ValueError when it is not ours."""
    if not path.exists():
        return []
    try:
        return [Result(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
    except TypeError as error:
        raise ValueError(
            f"{path.name} is no list of results ({error}); remove it and measure again"
        ) from None


def merge_results(old: Iterable[Result], new: Iterable[Result]) -> list[Result]:
    """One result a name, the newer one; sorted, so that two runs differ only where numbers do."""
    kept = {result.name: result for result in (*old, *new)}
    return [kept[name] for name in sorted(kept)]


def write_results(path: Path, results: Iterable[Result]) -> None:
    """Replace the file."""
    text = json.dumps([asdict(result) for result in results], indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def _rounded(value: float) -> float:
    """Three figures are more than a shared machine can tell apart."""
    return float(f"{value:.3g}")
