"""Deliveries on the disk: queued in order, tried, sent or failed; every function is one transaction."""

from collections.abc import Sequence
from dataclasses import asdict
from uuid import UUID

from civiscope.base import AppError, Clock, ErrorKind, new_id
from civiscope.notify.model import (
    Delivery,
    DeliveryId,
    DeliveryPage,
    DeliveryQuery,
    DeliveryState,
    Message,
    Priority,
    TargetId,
)
from civiscope.notify.settings import NotifySettings
from civiscope.notify.tables import delivery_table
from civiscope.notify.targets import known_targets
from civiscope.storage import Connection, Database, Row, and_, delete, func, insert, or_, select, update

PAGE_LIMIT = 1_000
WHY_LIMIT_CHARS = 300
_C = delivery_table.c
_WAITING = DeliveryState.WAITING.value


class DeliveryQueue:
    """The table of deliveries. Nothing is taken from it while it waits; what is over goes after its time."""

    def __init__(self, database: Database, clock: Clock, settings: NotifySettings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    async def put(
        self, message: Message, target_ids: Sequence[TargetId]
    ) -> tuple[tuple[DeliveryId, ...], tuple[Delivery, ...]]:
        """Queue for those of the targets that are there and on; what had to give way for it besides."""

        def work(connection: Connection) -> tuple[tuple[DeliveryId, ...], tuple[Delivery, ...]]:
            known = {one.id: one for one in known_targets(connection)}
            wanted = [known[one] for one in dict.fromkeys(target_ids) if one in known]
            if not wanted:
                raise AppError(
                    ErrorKind.MISSING,
                    "None of the targets to notify is there any more. Choose others in the rule.",
                )
            now_us = self._clock.now_us()
            ids = [self._insert(connection, message, one.id, now_us) for one in wanted if one.is_on]
            return tuple(ids), self._give_way(connection, now_us)

        return await self._database.write(work)

    async def targets_waiting(self) -> tuple[TargetId, ...]:
        """Targets with something that waits."""
        query = select(_C.target_id).where(_C.state == _WAITING).distinct()
        found = await self._database.read(lambda connection: connection.execute(query).scalars().all())
        return tuple(TargetId(one) for one in found)

    async def first_waiting(self, target_id: TargetId) -> Delivery | None:
        """The oldest that waits for this target."""
        query = (
            select(delivery_table)
            .where(_C.target_id == target_id, _C.state == _WAITING)
            .order_by(_C.sequence)
            .limit(1)
        )
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else _delivery(row)

    async def waiting_count(self) -> int:
        """Of all targets."""
        return await self._database.read(_count_waiting)

    async def tried(self, delivery: Delivery, why: str, next_us: int, *, counts: bool = True) -> None:
        """It did not go, and is tried again; what only waits (for the vault) does not count as an attempt."""
        attempts = delivery.attempts + int(counts)
        await self._change(delivery, attempts=attempts, why=why[:WHY_LIMIT_CHARS], next_us=next_us)

    async def sent(self, delivery: Delivery) -> None:
        """The target has it."""
        await self._end(delivery, DeliveryState.SENT, "", attempts=delivery.attempts + 1)

    async def failed(self, delivery: Delivery, why: str, attempts: int) -> None:
        """It is not tried again."""
        await self._end(delivery, DeliveryState.FAILED, why, attempts=attempts)

    async def page(self, query: DeliveryQuery) -> DeliveryPage:
        """Newest first."""
        limit = max(1, min(query.limit, PAGE_LIMIT))
        wanted = select(delivery_table).order_by(_C.sequence.desc()).limit(limit + 1)
        if query.target_id is not None:
            wanted = wanted.where(_C.target_id == query.target_id)
        if query.state is not None:
            wanted = wanted.where(_C.state == query.state.value)
        if query.before is not None:
            wanted = wanted.where(_C.sequence < query.before)
        rows = await self._database.read(lambda connection: connection.execute(wanted).all())
        found = tuple(_delivery(row) for row in rows[:limit])
        return DeliveryPage(found, found[-1].sequence if len(rows) > limit else None)

    async def forget_old(self) -> int:
        """Delete what is over for long, and the oldest beyond the bound; how many."""
        settings, before_us = self._settings, self._clock.now_us() - self._settings.keep_us

        def work(connection: Connection) -> int:
            over = _C.state != _WAITING
            newest = select(_C.sequence).where(over).order_by(_C.sequence.desc())
            edge = connection.execute(newest.offset(settings.keep_limit).limit(1)).scalar() or 0
            old = or_(_C.ended_us < before_us, _C.sequence <= edge)
            return connection.execute(delete(delivery_table).where(and_(over, old))).rowcount

        return await self._database.write(work)

    def end_of_target(self, connection: Connection, target_id: TargetId, why: str) -> tuple[Delivery, ...]:
        """Fail all that waits for it, within the caller's transaction."""
        query = select(delivery_table).where(_C.target_id == target_id, _C.state == _WAITING)
        return self._fail_rows(connection, [_delivery(row) for row in connection.execute(query)], why)

    def _insert(
        self, connection: Connection, message: Message, target_id: TargetId, now_us: int
    ) -> DeliveryId:
        delivery_id = DeliveryId(new_id())
        connection.execute(
            insert(delivery_table).values(
                id=delivery_id, target_id=target_id, at_us=now_us, state=_WAITING, rank=message.priority.rank,
                attempts=0, next_us=now_us, why="", message=_message_json(message),
            )
        )  # fmt: skip
        return delivery_id

    def _give_way(self, connection: Connection, now_us: int) -> tuple[Delivery, ...]:
        """Beyond the bound the oldest of the least priority fail."""
        excess = _count_waiting(connection) - self._settings.waiting_limit
        if excess <= 0:
            return ()
        query = (
            select(delivery_table).where(_C.state == _WAITING).order_by(_C.rank, _C.sequence).limit(excess)
        )
        victims = [_delivery(row) for row in connection.execute(query)]
        words = (
            f"More than {self._settings.waiting_limit} messages wait to be delivered: the oldest of the "
            "least priority give way. See which targets do not answer."
        )
        return self._fail_rows(connection, victims, words)

    def _fail_rows(
        self, connection: Connection, victims: Sequence[Delivery], why: str
    ) -> tuple[Delivery, ...]:
        ended = {"state": DeliveryState.FAILED.value, "why": why[:WHY_LIMIT_CHARS], "next_us": None}
        for one in victims:
            connection.execute(
                update(delivery_table)
                .where(_C.sequence == one.sequence)
                .values(ended_us=self._clock.now_us(), **ended)
            )
        return tuple(victims)

    async def _end(self, delivery: Delivery, state: DeliveryState, why: str, attempts: int) -> None:
        now_us = self._clock.now_us()
        await self._change(
            delivery,
            state=state.value,
            why=why[:WHY_LIMIT_CHARS],
            attempts=attempts,
            next_us=None,
            ended_us=now_us,
        )

    async def _change(self, delivery: Delivery, **values: object) -> None:
        """Only of what still waits: a target that was removed meanwhile has ended it."""
        query = (
            update(delivery_table)
            .where(_C.sequence == delivery.sequence, _C.state == _WAITING)
            .values(**values)
        )
        await self._database.write(lambda connection: connection.execute(query).rowcount)


def _count_waiting(connection: Connection) -> int:
    query = select(func.count()).select_from(delivery_table).where(_C.state == _WAITING)
    return int(connection.execute(query).scalar() or 0)


def _message_json(message: Message) -> dict[str, object]:
    return {name: str(value) if isinstance(value, UUID) else value for name, value in asdict(message).items()}


def _delivery(row: Row[tuple[object, ...]]) -> Delivery:
    return Delivery(
        id=DeliveryId(row.id),
        sequence=row.sequence,
        target_id=TargetId(row.target_id),
        at_us=row.at_us,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        next_us=row.next_us,
        why=row.why,
        message=_message(row.message),
    )


def _message(kept: dict[str, object]) -> Message:
    ids = {name: UUID(str(kept[name])) if kept.get(name) else None for name in ("alarm_id", "event_id")}
    return Message(
        id=UUID(str(kept["id"])),
        subject=str(kept["subject"]),
        text=str(kept["text"]),
        at_us=int(str(kept["at_us"])),
        site_name=str(kept["site_name"]),
        path=str(kept.get("path", "")),
        channel_name=str(kept.get("channel_name", "")),
        priority=Priority(str(kept.get("priority", "normal"))),
        **ids,
    )
