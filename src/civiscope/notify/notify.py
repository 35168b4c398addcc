"""Reaching people and foreign systems: targets, a queue on the disk, and a line to each target."""

import asyncio
from collections.abc import Callable, Sequence

from civiscope.base import AppError, Clock, get_log, new_id
from civiscope.bus import Fact
from civiscope.notify.facts import DeliveryFailed
from civiscope.notify.line import LineParts, TargetLine, hand_over
from civiscope.notify.model import (
    Delivery,
    DeliveryId,
    DeliveryPage,
    DeliveryQuery,
    Message,
    Target,
    TargetDraft,
    TargetId,
    TrialResult,
)
from civiscope.notify.plugin import NotifierPorts, Resolve
from civiscope.notify.plugins import NotifierInfo, NotifierPlugins
from civiscope.notify.queue import DeliveryQueue
from civiscope.notify.reach import resolve_name
from civiscope.notify.settings import NotifySettings
from civiscope.notify.targets import TargetBook
from civiscope.security import AuditEntry, AuditLog, Principal, Vault
from civiscope.storage import Connection, Database

_FORGET_EVERY_US = 3_600_000_000
_log = get_log("civiscope.notify")


class Notify:
    """The room's face. `run` delivers; everything else works without it, and what is queued waits."""

    def __init__(
        self, database: Database, audit: AuditLog, vault: Vault, clock: Clock,
        plugins: NotifierPlugins | None = None, settings: NotifySettings | None = None,
    ) -> None:  # fmt: skip
        self._audit = audit
        self._clock = clock
        self._settings = settings or NotifySettings()
        self._plugins = plugins or NotifierPlugins()
        self._book = TargetBook(database, audit, vault, self._plugins, clock)
        self._queue = DeliveryQueue(database, clock, self._settings)
        self._lines: dict[TargetId, TargetLine] = {}
        self._wake = asyncio.Event()
        self._forget_due_us = 0
        self.publish: Callable[[Fact], None] = lambda _: None
        """Says what failed; wired by `app` before `run`."""
        self.origin: Callable[[], str] = lambda: ""
        """The site's own `https://host:port`, for links; empty while it has no name."""
        self.resolve: Resolve = resolve_name

    async def notifiers(self) -> tuple[NotifierInfo, ...]:
        """Every notifier, those too that may not or do not load."""
        return await asyncio.to_thread(self._plugins.infos)

    async def targets(self) -> list[Target]:
        """All targets, without their secrets."""
        return await self._book.all()

    async def target(self, target_id: TargetId) -> Target:
        """One; MISSING."""
        return await self._book.target(target_id)

    async def add(self, draft: TargetDraft, by: Principal, where: str = "") -> Target:
        """A new target; `SettingsError` says which fields do not fit."""
        return await self._book.add(draft, by, where)

    async def edit(self, target_id: TargetId, draft: TargetDraft, by: Principal, where: str = "") -> Target:
        """Replace a target; secrets that are null stay. What waits for it is tried at once."""
        target = await self._book.edit(target_id, draft, by, where)
        self.hurry(target_id)
        return target

    async def remove(self, target_id: TargetId, by: Principal, where: str = "") -> None:
        """Forget a target; what still waits for it has failed."""
        ended: list[Delivery] = []
        why = "The target was removed."

        def also(connection: Connection) -> None:
            ended[:] = self._queue.end_of_target(connection, target_id, why)

        await self._book.remove(target_id, by, also, where)
        for one in ended:
            self._failed(one, one.attempts, why)
        self.hurry(target_id)

    async def send(self, message: Message, target_ids: Sequence[TargetId]) -> tuple[DeliveryId, ...]:
        """Queue it durably for each target that is on; MISSING when none of them is there any more."""
        ids, gave_way = await self._queue.put(message.tidy(), target_ids)
        for one in gave_way:
            self._failed(one, one.attempts, "Too much waited to be delivered; this gave way.")
        self._wake.set()
        return ids

    async def escalate(self, message: Message) -> tuple[DeliveryId, ...]:
        """Queue it for every target marked as an escalation; () when there is none."""
        wanted = [one.id for one in await self._book.all() if one.is_escalation and one.is_on]
        return await self.send(message, wanted) if wanted else ()

    async def test(self, target_id: TargetId, site_name: str, by: Principal, where: str = "") -> TrialResult:
        """Send a test message now, past the queue; an answer within 10 s."""
        target = await self._book.target(target_id)
        entry = AuditEntry(by, "target.test", f"target {target_id}", from_where=where)
        await self._audit.append(entry)
        message = Message(
            new_id(), "Test message", f"“{target.name}” is a target of this site. There is nothing to do.",
            self._clock.now_us(), site_name,
        ).tidy()  # fmt: skip
        limit_s = self._settings.test_limit_s
        try:
            async with asyncio.timeout(limit_s):
                await hand_over(self._parts(), target_id, message)
        except TimeoutError:
            return TrialResult(False, f"There was no answer within {limit_s:g} s.")
        except AppError as error:
            return TrialResult(False, error.message)
        return TrialResult(True, "The target took the test message.")

    async def deliveries(self, query: DeliveryQuery) -> DeliveryPage:
        """What was sent, has failed, or waits; newest first."""
        return await self._queue.page(query)

    async def waiting_count(self) -> int:
        """How many messages wait, of all targets."""
        return await self._queue.waiting_count()

    def hurry(self, target_id: TargetId | None = None) -> None:
        """Try at once what waits, for one target or for all: the vault was opened, a setting changed."""
        for one, line in self._lines.items():
            if target_id in (None, one):
                line.hurry()
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled; what is on its way then is delivered again by the next start."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                try:
                    await self._look(group)
                except AppError as error:
                    _log.error("the queue of deliveries cannot be read", why=error.message)
                try:
                    async with asyncio.timeout(self._settings.look_every_s):
                        await self._wake.wait()
                except TimeoutError:
                    continue

    async def _look(self, group: asyncio.TaskGroup) -> None:
        for target_id in await self._queue.targets_waiting():
            if target_id not in self._lines:
                line = self._lines[target_id] = TargetLine(self._parts(), target_id)
                group.create_task(self._follow(target_id, line))
        now_us = self._clock.monotonic_us()
        if now_us >= self._forget_due_us:
            self._forget_due_us = now_us + _FORGET_EVERY_US
            await self._queue.forget_old()

    async def _follow(self, target_id: TargetId, line: TargetLine) -> None:
        try:
            await line.run()
        finally:
            del self._lines[target_id]
            self._wake.set()  # something may have been queued while the line ended

    def _parts(self) -> LineParts:
        return LineParts(self._book, self._queue, self._clock, self._settings, self._ports, self._failed)

    def _ports(self) -> NotifierPorts:
        return NotifierPorts(self._clock, self.resolve, self.origin())

    def _failed(self, delivery: Delivery, attempts: int, why: str) -> None:
        _log.error("a message was not delivered", delivery=delivery.id, target=delivery.target_id, why=why)
        priority = delivery.message.priority.value
        self.publish(DeliveryFailed(delivery.id, delivery.target_id, priority, attempts, why))
