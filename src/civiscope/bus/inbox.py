"""What this process has heard: cursors, handled ids and parked facts, in one transaction per batch."""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from civiscope.bus.facts import Envelope
from civiscope.bus.outbox import Carried, Cursor
from civiscope.bus.tables import CURSOR, HANDLED, PARKED
from civiscope.storage import Connection, Database, delete, func, insert, select, upsert

HANDLED_KEPT = 200_000
PARKED_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Parked:
    """A fact whose handler failed for good; it waits for a person, and the facts after it went on."""

    number: int
    subscription: str
    producer: str
    parked_us: int
    why: str
    envelope: Envelope
    body: bytes


@dataclass(frozen=True, slots=True)
class Progress:
    """What became of some facts in order: handled, or parked with the reason; and where to go on."""

    cursor: Cursor
    handled: tuple[UUID, ...]
    parked: tuple[tuple[Carried, str], ...]


class Inbox:
    """The rows of all subscriptions of a process."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def cursor(self, subscription: str, producer: str) -> Cursor:
        """Where the subscription stopped; the very beginning for a new one."""
        query = select(CURSOR.c.epoch, CURSOR.c.sequence).where(
            CURSOR.c.subscription == subscription, CURSOR.c.producer == producer
        )
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return Cursor(row.epoch, row.sequence) if row else Cursor(None, 0)

    async def known(self, subscription: str, facts: tuple[Carried, ...]) -> frozenset[UUID]:
        """Those of the facts that this subscription has handled before."""
        query = select(HANDLED.c.fact_id).where(
            HANDLED.c.subscription == subscription,
            HANDLED.c.fact_id.in_([fact.envelope.id for fact in facts]),
        )
        return frozenset(
            await self._database.read(lambda connection: connection.execute(query).scalars().all())
        )

    async def save(self, subscription: str, producer: str, progress: Progress, now_us: int) -> None:
        """Remember it all or nothing; doing so again changes nothing."""
        await self._database.write(
            lambda connection: _save(connection, subscription, producer, progress, now_us)
        )

    async def parked(self) -> list[Parked]:
        """Everything parked, oldest first."""
        query = select(PARKED).order_by(PARKED.c.number)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [
            Parked(
                row.number,
                row.subscription,
                row.producer,
                row.parked_us,
                row.why,
                msgspec.msgpack.decode(row.envelope, type=Envelope),
                row.body,
            )
            for row in rows
        ]

    async def unpark(self, parked: Parked) -> None:
        """It was handled after all, or a person gave it up."""
        query = delete(PARKED).where(PARKED.c.number == parked.number)
        await self._database.write(lambda connection: connection.execute(query) and None)


def _save(connection: Connection, subscription: str, producer: str, progress: Progress, now_us: int) -> None:
    cursor = {"epoch": progress.cursor.epoch, "sequence": progress.cursor.sequence}
    connection.execute(
        upsert(CURSOR)
        .values(subscription=subscription, producer=producer, **cursor)
        .on_conflict_do_update(index_elements=["subscription", "producer"], set_=cursor)
    )
    done = (*progress.handled, *(carried.envelope.id for carried, _why in progress.parked))
    if done:
        rows = [{"subscription": subscription, "fact_id": fact_id} for fact_id in done]
        connection.execute(upsert(HANDLED).on_conflict_do_nothing(), rows)
        newest: int = connection.execute(select(func.max(HANDLED.c.number))).scalar() or 0
        connection.execute(delete(HANDLED).where(HANDLED.c.number <= newest - HANDLED_KEPT))
    for carried, why in progress.parked:
        _park(connection, subscription, carried, why, now_us)


def _park(connection: Connection, subscription: str, carried: Carried, why: str, now_us: int) -> None:
    envelope = carried.envelope
    inserted = connection.execute(
        insert(PARKED).values(
            subscription=subscription,
            producer=envelope.producer,
            fact_id=envelope.id,
            name=envelope.name,
            parked_us=now_us,
            why=why,
            envelope=msgspec.msgpack.encode(envelope),
            body=carried.body,
        )
    )
    newest = inserted.inserted_primary_key
    assert newest is not None
    connection.execute(delete(PARKED).where(PARKED.c.number <= newest[0] - PARKED_KEPT))
