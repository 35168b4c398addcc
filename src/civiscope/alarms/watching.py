"""Who watches alarms is told of each change; a slow watcher gets the newest state of each, not every one."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from types import TracebackType

from civiscope.alarms.model import Alarm, AlarmId
from civiscope.base import AppError, ErrorKind

WAITING_ALARMS = 512
"""So many different alarms wait for one watcher; then it is sent away to load the list again."""
_REMEMBERED = 4_096


class AlarmChanges:
    """The changes from the moment it is entered; `async for` ends with EXHAUSTED for one who is too slow."""

    def __init__(self, hub: "ChangeHub") -> None:
        self._hub = hub
        self._waiting: OrderedDict[AlarmId, Alarm] = OrderedDict()
        self._news = asyncio.Event()
        self._is_lost = False

    def __enter__(self) -> "AlarmChanges":
        self._hub.watchers.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hub.watchers.discard(self)

    def put(self, alarm: Alarm) -> None:
        """Never waits."""
        self._waiting[alarm.id] = alarm
        self._is_lost = self._is_lost or len(self._waiting) > WAITING_ALARMS
        self._news.set()

    def __aiter__(self) -> AsyncIterator[tuple[Alarm, ...]]:
        return self

    async def __anext__(self) -> tuple[Alarm, ...]:
        """All that changed since the last call, each as it stands now."""
        await self._news.wait()
        self._news.clear()
        if self._is_lost:
            raise AppError(ErrorKind.EXHAUSTED, "Too many alarms waited for you. Load the list again.")
        changed = tuple(self._waiting.values())
        self._waiting.clear()
        return changed


class ChangeHub:
    """Hands changes to watchers, in the order of the history whatever the order in which commits return."""

    def __init__(self) -> None:
        self.watchers: set[AlarmChanges] = set()
        self._newest: OrderedDict[AlarmId, int] = OrderedDict()

    def tell(self, alarm: Alarm, sequence: int) -> None:
        """`sequence`: of the row of the history that this state came with."""
        if sequence <= self._newest.get(alarm.id, 0):
            return
        self._newest[alarm.id] = sequence
        self._newest.move_to_end(alarm.id)
        while len(self._newest) > _REMEMBERED:
            self._newest.popitem(last=False)
        for watcher in self.watchers:
            watcher.put(alarm)
