"""Doing what rules order: each action on its own, on record, and again after a while when it failed."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from civiscope.base import AppError, Backoff, Clock, ErrorKind, get_log
from civiscope.events import EventStore
from civiscope.rules import rows
from civiscope.rules.model import ActionOrder, Firing, FiringId, Rule
from civiscope.rules.plugin import Fired
from civiscope.rules.ports import ActionPorts
from civiscope.rules.rows import ActionRow, ActionState, FiringRow
from civiscope.rules.shelf import ActionShelf
from civiscope.storage import Connection, Database

ATTEMPTS_MOST = 12
FIRST_LOOK_US = 30_000_000
"""A firing that nobody performed, as after a power cut, is looked at again after this."""
_WORKERS = 4
_QUEUE_LIMIT = 1_000
_TICK_S = 1.0
_AGAIN = frozenset({ErrorKind.UNAVAILABLE, ErrorKind.EXHAUSTED, ErrorKind.TIMEOUT, ErrorKind.INTERNAL})
_log = get_log("civiscope.rules")


class Performer:
    """A few workers that perform firings; what waits for them is on the disk. `run` beside the book."""

    def __init__(
        self, database: Database, events: EventStore, shelf: ActionShelf, ports: ActionPorts, clock: Clock
    ) -> None:
        self._database = database
        self._events = events
        self._shelf = shelf
        self._ports = ports
        self._clock = clock
        self._queue: asyncio.Queue[tuple[Rule, Firing]] = asyncio.Queue(_QUEUE_LIMIT)
        self._taken: set[FiringId] = set()

    def begin(self, rule: Rule, firing: Firing) -> None:
        """Have it performed at once; when too many wait, a little later."""
        if firing.id in self._taken or self._queue.full():
            return
        self._taken.add(firing.id)
        self._queue.put_nowait((rule, firing))

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(_WORKERS):
                group.create_task(self._work())
            group.create_task(self._look_again())

    async def look_again(self) -> None:
        """Begin what waits and is due."""
        now_us = self._clock.now_us()
        for row in await self._database.read(lambda connection: rows.due_firings(connection, now_us)):
            if row.id not in self._taken:
                await self._begin_again(row)

    async def perform(self, rule: Rule, firing: Firing) -> list[ActionRow]:
        """Do what waits of it, one after the other; a failure stops none of the others."""
        fired = Fired(firing.id, rule, firing.event, firing.at_us)
        known = await self._database.read(lambda connection: rows.actions_of(connection, firing.id))
        done = [
            await self._act(fired, rule.draft.actions[row.place], row)
            for row in known
            if row.state is ActionState.WAITING
        ]
        await self._database.write(lambda connection: _put(connection, done))
        return done

    async def _work(self) -> None:
        while True:
            rule, firing = await self._queue.get()
            try:
                await self.perform(rule, firing)
            except AppError as error:
                _log.warning("a firing waits", firing=firing.id, cause=error.message)
            finally:
                self._taken.discard(firing.id)

    async def _look_again(self) -> None:
        while True:
            try:
                await self.look_again()
            except AppError as error:
                _log.warning("waiting actions cannot be read", cause=error.message)
            await asyncio.sleep(_TICK_S)

    async def _begin_again(self, row: FiringRow) -> None:
        rule = await self._database.read(
            lambda connection: rows.rule_at(connection, row.rule_id, row.rule_version)
        )
        try:
            event = await self._events.event(row.event_id)
        except AppError as error:
            if error.kind is ErrorKind.MISSING:
                await self._give_up(row.id, "the event's time is over")
            return
        if rule is not None:
            self.begin(rule, Firing(row.id, row.rule_id, row.rule_version, event, row.at_us))

    async def _give_up(self, firing_id: FiringId, words: str) -> None:
        def work(connection: Connection) -> None:
            for row in rows.actions_of(connection, firing_id):
                if row.state is ActionState.WAITING:
                    over = replace(row, state=ActionState.FAILED, next_us=None, words=words)
                    rows.put_action(connection, over)

        await self._database.write(work)

    async def _act(self, fired: Fired, order: ActionOrder, row: ActionRow) -> ActionRow:
        attempts = row.attempts + 1
        try:
            words = await self._try(fired, order)
        except AppError as error:
            return self._failed(replace(row, attempts=attempts), error, fired)
        return replace(row, state=ActionState.DONE, attempts=attempts, next_us=None, words=words)

    async def _try(self, fired: Fired, order: ActionOrder) -> str:
        plugin = self._shelf.load(order.name)
        settings = self._shelf.settings_of(order)
        try:
            async with asyncio.timeout(plugin.deadline_s):
                return str(await plugin.act(fired, settings, self._ports))
        except TimeoutError:
            raise AppError(ErrorKind.TIMEOUT, f"It took longer than {plugin.deadline_s:g} s.") from None
        except AppError:
            raise
        except Exception as error:  # the task supervisor's edge: a stranger's code, whole into the log
            _log.exception("an action failed", action=order.name, firing=fired.id)
            raise AppError(ErrorKind.INTERNAL, f"An error in the action ({type(error).__name__}).") from None

    def _failed(self, row: ActionRow, error: AppError, fired: Fired) -> ActionRow:
        _log.warning("an action did not work", action=row.name, rule=fired.rule.id, cause=error.message)
        if error.kind not in _AGAIN or row.attempts >= ATTEMPTS_MOST:
            return replace(row, state=ActionState.FAILED, next_us=None, words=error.message)
        backoff = Backoff(first_s=2.0, limit_s=600.0, attempts=row.attempts - 1)
        next_us = self._clock.now_us() + round(backoff.next_delay_s() * 1_000_000)
        return replace(row, next_us=next_us, words=error.message)


def _put(connection: Connection, done: Sequence[ActionRow]) -> None:
    for row in done:
        rows.put_action(connection, row)
