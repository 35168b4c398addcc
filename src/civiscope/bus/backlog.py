"""Facts said and not yet on the disk: bounded, in order, handed from any thread to the one that writes."""

import threading
from collections import deque
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Said:
    """One fact as it will stand in the outbox, before it has a sequence."""

    fact_id: UUID
    name: str
    schema_version: int
    at_us: int
    causation_id: UUID | None
    trace_id: UUID
    principal_id: UUID | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Lost:
    """Facts given up: how many, and the times of the first and the last of them."""

    count: int
    first_us: int
    last_us: int


class Backlog:
    """When `limit` facts or `limit_bytes` wait, the oldest is given up and counted; `add` never waits."""

    def __init__(self, limit: int, limit_bytes: int) -> None:
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._changed = threading.Condition()
        self._facts: deque[Said] = deque()
        self._size_bytes = 0
        self._said = 0
        self._done = 0
        self._lost: Lost | None = None
        self._is_stopping = False

    def __len__(self) -> int:
        return len(self._facts)

    @property
    def said(self) -> int:
        """How many facts were ever added: the mark `wait_done` waits for."""
        return self._said

    @property
    def is_stopping(self) -> bool:
        """True after `stop`."""
        return self._is_stopping

    def add(self, fact: Said) -> None:
        """Queue it at the end."""
        with self._changed:
            self._facts.append(fact)
            self._size_bytes += len(fact.body)
            self._said += 1
            while len(self._facts) > self._limit or self._size_bytes > self._limit_bytes:
                self._give_up(self._facts.popleft())
            self._changed.notify_all()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait for a first fact or for `stop`."""
        with self._changed:
            self._changed.wait_for(lambda: self._facts or self._is_stopping, timeout_s)

    def pause(self, duration_s: float) -> None:
        """Wait, but not longer than until `stop`."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_stopping, duration_s)

    def take(self, count: int) -> tuple[list[Said], Lost | None]:
        """The oldest facts, and what was given up before them; both must end in `done` or `put_back`."""
        with self._changed:
            facts = [self._facts.popleft() for _ in range(min(count, len(self._facts)))]
            self._size_bytes -= sum(len(fact.body) for fact in facts)
            lost, self._lost = self._lost, None
            return facts, lost

    def put_back(self, facts: list[Said], lost: Lost | None) -> None:
        """They could not be written: they wait again, in front."""
        with self._changed:
            self._facts.extendleft(reversed(facts))
            self._size_bytes += sum(len(fact.body) for fact in facts)
            if lost is not None:
                self._lost = _joined(lost, self._lost)

    def done(self, count: int) -> None:
        """They are on the disk."""
        with self._changed:
            self._done += count
            self._changed.notify_all()

    def wait_done(self, mark: int, timeout_s: float) -> bool:
        """Wait until the first `mark` facts are written or given up; False if they are not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._done >= mark, timeout_s)

    def stop(self) -> None:
        """Wake whoever waits, for the last time."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()

    def _give_up(self, fact: Said) -> None:
        self._size_bytes -= len(fact.body)
        self._done += 1
        self._lost = _joined(self._lost, Lost(1, fact.at_us, fact.at_us))


def _joined(first: Lost | None, second: Lost | None) -> Lost | None:
    if first is None or second is None:
        return first or second
    return Lost(first.count + second.count, first.first_us, second.last_us)
