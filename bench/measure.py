"""What every measure is, and the product it measures."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.product import Product, cpu_s

from bench.result import Finding


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure by name: how long it looks unless told otherwise, and how each of its results is found."""

    name: str
    default_s: float
    run: Callable[[Path, float], list[Finding]]
    """An empty folder, and the seconds of the window (as each measure understands them)."""
    methods: dict[str, str]
    """Result → one sentence for the scoreboard."""


def say(words: str) -> None:
    """Progress, for a person who waits."""
    print(f"  {words}", flush=True)


@contextmanager
def work_folder() -> Iterator[Path]:
    """A folder for recordings and the like, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="civiscope-bench-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@contextmanager
def running_product(folder: Path) -> Iterator[Product]:
    """The real product on an empty data folder, healthy; stopped afterwards, whatever happens."""
    product = Product(folder / "home")
    try:
        yield product.start()
    finally:
        product.destroy()


def cpu_over(
    pids: list[int], seconds: float, each_s: Callable[[], None] | None = None
) -> tuple[float, float]:
    """CPU seconds that living processes spent together in a window, and how long it really was."""
    began, before = time.monotonic(), sum(map(cpu_s, pids))
    while (left_s := began + seconds - time.monotonic()) > 0:
        time.sleep(min(1.0, left_s))
        if each_s is not None:
            each_s()
    return sum(map(cpu_s, pids)) - before, time.monotonic() - began


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least this share of all values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, -(-int(share * 1000) * len(ordered) // 1000) - 1))]
