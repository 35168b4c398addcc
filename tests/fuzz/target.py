"""One parser of foreign bytes, and the law for it: a value or a documented error, soon, in little memory."""

import random
import resource
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from tests.fuzz.mutation import mutated

from civiscope.base import AppError, ProtocolError

SLOW_S = 1.0
HUNG_S = 20
MORE_MEMORY_BYTES = 400 << 20


@dataclass(frozen=True)
class Target:
    """`read` gets mutated `seeds`; `refusals` are the errors its documentation names."""

    read: Callable[[bytes], object]
    seeds: Callable[[], Sequence[bytes]]
    refusals: tuple[type[BaseException], ...] = (ProtocolError,)


REFUSED = (ProtocolError, AppError)


class HungError(BaseException):
    """The wall clock's limit for one input has passed; no parser can catch it."""


def _ring(number: int, frame: FrameType | None) -> None:
    raise HungError(f"an input kept the parser busy for more than {HUNG_S} s")


@contextmanager
def _bell() -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, _ring)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def input_of(name: str, seeds: Sequence[bytes], number: int) -> bytes:
    """Input `number` of the target `name`: replay a failure with it."""
    return mutated(seeds, random.Random(f"{name}/{number}"))


def hunt(name: str, target: Target, budget_s: float, count: int) -> int:
    """Up to `count` inputs within `budget_s`; how many were tried. AssertionError shows what broke it."""
    seeds = target.seeds()
    for seed in seeds:
        target.read(seed)
    peak_bytes = _peak_bytes()
    until = time.monotonic() + budget_s
    with _bell():
        for number in range(count):
            data = input_of(name, seeds, number)
            signal.setitimer(signal.ITIMER_REAL, HUNG_S)
            began = time.thread_time()
            try:
                target.read(data)
            except target.refusals:
                pass
            except BaseException as error:
                raise AssertionError(_told(name, number, data, f"{type(error).__name__}: {error}")) from error
            took_s = time.thread_time() - began
            assert took_s < SLOW_S, _told(name, number, data, f"took {took_s:.2f} s")
            if not number % 64:
                grown = _peak_bytes() - peak_bytes
                assert grown < MORE_MEMORY_BYTES, _told(name, number, data, f"{grown >> 20} MiB more memory")
                if time.monotonic() > until:
                    return number + 1
    return count


def _told(name: str, number: int, data: bytes, what: str) -> str:
    shown = data.hex() if len(data) <= 4096 else f"{data[:4096].hex()}… (input_of makes the rest)"
    return f"{name}, input {number}, {len(data)} bytes: {what}\n{shown}"
