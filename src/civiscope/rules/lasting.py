"""Which events go on and must be looked at again once they have lasted long enough."""

import heapq
from uuid import UUID

_WAITING_MOST = 20_000


class Waiting:
    """Moments at which an event is due, each once; the earliest first. Bounded: the latest are given up."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, UUID]] = []
        self._known: set[tuple[int, UUID]] = set()

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, due_us: int, event_id: UUID) -> None:
        """Look at it then."""
        entry = (due_us, event_id)
        if entry in self._known or len(self._heap) >= _WAITING_MOST:
            return
        self._known.add(entry)
        heapq.heappush(self._heap, entry)

    def next_us(self) -> int | None:
        """When the first is due; None: nothing waits."""
        return self._heap[0][0] if self._heap else None

    def take_due(self, now_us: int) -> list[UUID]:
        """Those that are due, taken out."""
        due: list[UUID] = []
        while self._heap and self._heap[0][0] <= now_us:
            entry = heapq.heappop(self._heap)
            self._known.discard(entry)
            due.append(entry[1])
        return due
