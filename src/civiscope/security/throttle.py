"""How fast somebody may try passwords and codes: delays, never a lock, in bounded memory.

A wrong try counts for the pair (source, account) and for the source. Nothing counts for the account alone, so
nobody can keep an administrator out from another address, and the longest delay is `longest_s`.
"""

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from math import ceil

from civiscope.base import AppError, Clock, ErrorKind


class TooManyAttemptsError(AppError):
    """Try again after `retry_after_s` seconds."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(
            ErrorKind.EXHAUSTED, f"Too many attempts from your address. Try again in {retry_after_s} s."
        )
        self.retry_after_s = retry_after_s

    def __reduce__(self) -> tuple[type["TooManyAttemptsError"], tuple[int]]:  # type: ignore[override]  # other args
        return (TooManyAttemptsError, (self.retry_after_s,))


@dataclass(frozen=True, slots=True)
class ThrottleSettings:
    """How many wrong tries are free, and how the delay grows after them (doubling)."""

    free_per_account: int = 4
    free_per_source: int = 20
    first_s: float = 1.0
    longest_s: float = 30.0
    forget_s: float = 900.0
    entries: int = 8192


@dataclass(slots=True)
class _Count:
    tries: int = 0
    next_us: int = 0
    last_us: int = 0


class Throttle:
    """Counts tries on one thread (the event loop's). A try counts as wrong until `succeeded`."""

    def __init__(self, clock: Clock, settings: ThrottleSettings) -> None:
        self._clock = clock
        self._settings = settings
        self._counts: OrderedDict[tuple[str, str | None], _Count] = OrderedDict()
        self._known: OrderedDict[str, None] = OrderedDict()

    def begin(self, where: str, account: str) -> None:
        """Note a try; TooManyAttemptsError if it comes too early. Before anything costly is done for it."""
        source = source_of(where)
        now_us = self._clock.monotonic_us()
        counts = [self._count((source, account), now_us), self._count((source, None), now_us)]
        wait_us = max(count.next_us for count in counts) - now_us
        if wait_us > 0:
            raise TooManyAttemptsError(ceil(wait_us / 1_000_000))
        free = (self._settings.free_per_account, self._settings.free_per_source)
        for count, free_tries in zip(counts, free, strict=True):
            count.tries += 1
            count.last_us = now_us
            count.next_us = now_us + self._delay_us(count.tries - free_tries)

    def take_back(self, where: str, account: str) -> None:
        """The last try was right, but it is not all that is asked for: it counts for nothing, either way."""
        for key in ((source_of(where), account), (source_of(where), None)):
            count = self._counts.get(key)
            if count is not None:
                count.tries = max(0, count.tries - 1)
                count.next_us = 0

    def has_succeeded(self, where: str) -> bool:
        """True if somebody signed in from there since the start of this process."""
        return source_of(where) in self._known

    def succeeded(self, where: str, account: str) -> None:
        """The last try was right: forget the wrong ones of this pair, and take the try off the source."""
        source = source_of(where)
        self._counts.pop((source, account), None)
        count = self._counts.get((source, None))
        if count is not None:
            count.tries = max(0, count.tries - 1)
            count.next_us = 0
        self._known.pop(source, None)
        self._known[source] = None
        while len(self._known) > self._settings.entries:
            self._known.popitem(last=False)

    def __len__(self) -> int:
        return len(self._counts)

    def _count(self, key: tuple[str, str | None], now_us: int) -> _Count:
        count = self._counts.pop(key, None)
        if count is None or now_us - count.last_us > self._settings.forget_s * 1_000_000:
            count = _Count()
        self._counts[key] = count
        while len(self._counts) > self._settings.entries:
            self._counts.popitem(last=False)
        return count

    def _delay_us(self, beyond: int) -> int:
        if beyond < 0:
            return 0
        delay_s = min(self._settings.longest_s, self._settings.first_s * 2.0 ** min(beyond, 32))
        return int(delay_s * 1_000_000)


def source_of(where: str) -> str:
    """The network a try comes from: an IPv4 address, an IPv6 /64, or the text itself if it is no address."""
    try:
        address = ipaddress.ip_address(where.split("%", 1)[0])
    except ValueError:
        return where[:64]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
