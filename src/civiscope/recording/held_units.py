"""Units of one stream that wait in memory for an event: whole groups from a key unit on, the newest."""

from collections import deque
from dataclasses import dataclass, field

from civiscope.media import AccessUnit, TrackConfig

Tracks = tuple[TrackConfig, ...]


@dataclass(frozen=True, slots=True)
class TracksChange:
    """A new configuration, where it came among the units."""

    tracks: Tracks
    at_us: int


Item = AccessUnit | TracksChange


@dataclass(slots=True)
class _Group:
    """From where decoding can start to before the next such place."""

    start_us: int
    """Monotonic arrival of its first unit."""
    items: list[Item] = field(default_factory=list)
    size_bytes: int = 0


class HeldUnits:
    """Bounded by whoever calls `forget_before` and `drop_oldest`; times are the monotonic clock's."""

    def __init__(self) -> None:
        self._groups: deque[_Group] = deque()
        self.size_bytes = 0

    def add(self, unit: AccessUnit, is_start: bool) -> None:
        """Hold one unit; `is_start`: decoding can begin with it."""
        if is_start or not self._groups:
            self._groups.append(_Group(unit.arrival_monotonic_us))
        group = self._groups[-1]
        group.items.append(unit)
        group.size_bytes += len(unit.data)
        self.size_bytes += len(unit.data)

    def change(self, change: TracksChange) -> bool:
        """Hold a change of tracks; False if nothing is held, so that it is to be told at once."""
        if not self._groups:
            return False
        self._groups[-1].items.append(change)
        return True

    def forget_before(self, from_us: int) -> list[TracksChange]:
        """Let go what no window that begins at `from_us` needs; gives the changes that were among it."""
        changes: list[TracksChange] = []
        while len(self._groups) > 1 and self._groups[1].start_us <= from_us:
            changes += self.drop_oldest()
        return changes

    def drop_oldest(self) -> list[TracksChange]:
        """Let the oldest group go; gives the changes that were in it."""
        if not self._groups:
            return []
        group = self._groups.popleft()
        self.size_bytes -= group.size_bytes
        return [one for one in group.items if isinstance(one, TracksChange)]

    def take(self, from_us: int, until_us: int) -> list[Item]:
        """What a window needs, in order: from the last start at or before `from_us` (or the oldest).

        What came after the end stays held; what came before the beginning is gone, but for changes.
        """
        taken: list[Item] = list(self.forget_before(from_us))
        groups, self._groups, self.size_bytes = self._groups, deque(), 0
        is_over = False
        for group in groups:
            is_start = True
            for one in group.items:
                if not is_over and isinstance(one, AccessUnit) and one.arrival_monotonic_us > until_us:
                    is_over = True
                if not is_over or (isinstance(one, TracksChange) and not self.change(one)):
                    taken.append(one)
                elif isinstance(one, AccessUnit):
                    self.add(one, is_start)
                is_start = False
        return taken
