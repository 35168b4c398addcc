"""What is kept of heads: which went to whom, and those that other nodes left here."""

from dataclasses import dataclass

from civiscope.base import AppError, Clock, ErrorKind
from civiscope.security.headtables import head_delivery_table, received_head_table
from civiscope.security.nodehead import NodeHead
from civiscope.storage import Connection, Database, delete, func, insert, select

_RECORDS_KEPT = 5_000
_HEADS_OF_ONE_NODE = 10_000
_NODES_MOST = 256
_WHY_CHARS = 400


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to hand a head to a second party."""

    at_us: int
    target: str
    is_done: bool
    why: str
    """Empty when it was done."""
    head_us: int
    """The moment of the head that was sent."""


@dataclass(frozen=True, slots=True)
class ReceivedHead:
    """A head that another node left here."""

    received_us: int
    from_where: str
    head: NodeHead


class HeadLedger:
    """Records of deliveries and heads of other nodes, bounded, in the server's database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def note(self, delivery: Delivery) -> None:
        """Keep the record; the oldest beyond the bound go."""
        await self._database.write(lambda connection: _note(connection, delivery))

    async def deliveries(self, limit: int = 100) -> list[Delivery]:
        """The newest attempts, newest first."""
        columns = head_delivery_table.c
        query = select(head_delivery_table).order_by(columns.id.desc()).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [Delivery(row.at_us, row.target, row.is_done, row.why, row.head_us) for row in rows]

    async def receive(self, head: NodeHead, from_where: str) -> None:
        """Keep a head of another node; INVALID if it does not hold, CONFLICT if it contradicts others."""
        if not head.holds:
            raise AppError(ErrorKind.INVALID, "The signature of this head does not hold: it is not kept.")
        received = ReceivedHead(self._clock.now_us(), from_where, head)
        await self._database.write(lambda connection: _receive(connection, received))

    async def received(self, limit: int = 100) -> list[ReceivedHead]:
        """The newest heads of other nodes, newest first."""
        query = select(received_head_table).order_by(received_head_table.c.id.desc()).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [ReceivedHead(row.received_us, row.from_where, NodeHead.from_json(row.head)) for row in rows]


def _note(connection: Connection, delivery: Delivery) -> None:
    table = head_delivery_table
    inserted = connection.execute(
        insert(table).values(
            at_us=delivery.at_us, target=delivery.target, is_done=delivery.is_done,
            why=delivery.why[:_WHY_CHARS], head_us=delivery.head_us,
        )
    ).inserted_primary_key  # fmt: skip
    newest = inserted[0] if inserted else 0
    connection.execute(delete(table).where(table.c.id <= newest - _RECORDS_KEPT))


def _receive(connection: Connection, received: ReceivedHead) -> None:
    head, table = received.head, received_head_table
    node = str(head.node_id)
    own = table.c.node_id == node
    count = connection.execute(select(func.count()).select_from(table).where(own)).scalar() or 0
    if count >= _HEADS_OF_ONE_NODE:
        oldest = select(table.c.id).where(own).order_by(table.c.id).limit(1)
        connection.execute(delete(table).where(table.c.id.in_(oldest)))
    if count == 0:
        nodes = connection.execute(select(func.count(func.distinct(table.c.node_id)))).scalar() or 0
        if nodes >= _NODES_MOST:
            raise AppError(ErrorKind.EXHAUSTED, f"This node keeps heads of {_NODES_MOST} nodes already.")
    else:
        newest = connection.execute(select(table.c.head).where(own).order_by(table.c.id.desc()).limit(1))
        _refuse_contradiction(NodeHead.from_json(newest.scalar_one()), head)
    connection.execute(
        insert(table).values(
            received_us=received.received_us, from_where=received.from_where[:128], node_id=node,
            at_us=head.at_us, head=head.to_json(),
        )
    )  # fmt: skip


def _refuse_contradiction(before: NodeHead, head: NodeHead) -> None:
    """A node's key stays, and its chains only grow: anything else is what this keeping is for."""
    if before.public_key != head.public_key:
        raise AppError(
            ErrorKind.CONFLICT,
            "This node signed its earlier heads with another key. Look into that node's keys.",
        )
    told = {one.process: one.head for one in head.chains}
    for one in before.chains:
        earlier, now = one.head, told.get(one.process)
        if now is None:
            raise AppError(
                ErrorKind.CONFLICT,
                f"The chain of {one.process} is missing in this head, but an earlier one of it has it. "
                "Look into that node's audit.",
            )
        is_same = earlier.sequence == now.sequence
        if now.sequence < earlier.sequence or (is_same and now.chain != earlier.chain):
            raise AppError(
                ErrorKind.CONFLICT,
                f"The chain of {one.process} is shorter than, or another than, an earlier head of this node "
                "says. Look into that node's audit.",
            )
