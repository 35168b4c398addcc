"""What this process has said: kept in its own database, pulled by whoever listens, now or later."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol
from uuid import UUID

from civiscope.base import AppError, Backoff, Clock, ErrorKind, FactId, PrincipalId, get_log, new_id
from civiscope.bus.backlog import Backlog, Lost, Said
from civiscope.bus.context import current_call
from civiscope.bus.facts import BusIdentity, Envelope, Fact, FactsLost, encode_fact
from civiscope.bus.tables import EPOCH, OUTBOX, SCRIPTS
from civiscope.storage import (
    Connection,
    Database,
    DatabaseHeader,
    Row,
    delete,
    func,
    insert,
    migrate,
    select,
    stamp_header,
)

_log = get_log("civiscope.bus")
BATCH_FACTS = 500
PULL_FACTS = 256
PULL_BYTES = 4 * 1024 * 1024
TRIM_EVERY_FACTS = 1_000


@dataclass(frozen=True, slots=True)
class OutboxSettings:
    """Bounds of one outbox: `waiting_*` in memory while the disk fails, `kept_facts` in the file."""

    linger_s: float = 0.02
    waiting_facts: int = 20_000
    waiting_bytes: int = 16 * 1024 * 1024
    kept_facts: int = 100_000
    stop_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a subscriber has heard: `sequence` counts within `epoch`, the life of one outbox file."""

    epoch: UUID | None
    sequence: int


@dataclass(frozen=True, slots=True)
class Carried:
    """A fact on its way: envelope, and its body as MessagePack."""

    envelope: Envelope
    body: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """Facts in order after a cursor; `next` is where to go on.

    `lost` is how many sequence numbers (of any name) retention took away after the cursor asked from.
    """

    next: Cursor
    facts: tuple[Carried, ...]
    lost: int = 0


class OutboxFace(Protocol):
    """How another process hears facts: it pulls, so it is never sent more than it can take."""

    async def pull(self, after: Cursor, names: tuple[str, ...], wait_ms: int) -> Batch:
        """Facts of these names after the cursor; waits up to `wait_ms` if there are none."""
        ...


class Outbox:
    """Durable within `linger_s` and one commit of `publish` (`flush` waits for it), in order of `publish`.

    One thread writes, in batches. While the file cannot be written it is tried again, facts wait in memory,
    and beyond the bounds the oldest are given up; a `FactsLost` in their place says how many.
    """

    def __init__(
        self,
        role: str,
        database: Database,
        identity: BusIdentity,
        clock: Clock,
        settings: OutboxSettings | None = None,
    ) -> None:
        self._role = role
        self._database = database
        self._identity = identity
        self._clock = clock
        self._settings = settings or OutboxSettings()
        self._backlog = Backlog(self._settings.waiting_facts, self._settings.waiting_bytes)
        self._thread = threading.Thread(target=self._run, name="bus-outbox", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()
        self._epoch: UUID | None = None
        self._untrimmed = 0
        self.ready = asyncio.Event()
        """Set once the file is there, of our version and ours."""
        self.trouble: str | None = None
        """Why nothing can be written just now, in plain words; None while all is well."""

    @property
    def waiting(self) -> int:
        """Facts in memory that are not on the disk yet."""
        return len(self._backlog)

    def publish(self, fact: Fact, cause: Envelope | None, principal: PrincipalId | None) -> None:
        """Say a fact; any thread, never waits, raises only if the fact itself cannot be carried."""
        context = current_call()
        self._backlog.add(
            Said(
                fact_id=new_id(),
                name=fact.name,
                schema_version=fact.schema_version,
                at_us=self._clock.now_us(),
                causation_id=cause.id if cause else None,
                trace_id=cause.trace_id if cause else context.trace_id,
                principal_id=principal or (cause.principal_id if cause else context.principal_id),
                body=encode_fact(fact),
            )
        )

    def start(self) -> None:
        """Begin to write; called on the event loop that `pull` will run on."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def flush(self, timeout_s: float) -> None:
        """Wait until everything said before is on the disk; `UNAVAILABLE` if it is not in time."""
        mark = self._backlog.said
        if not await asyncio.to_thread(self._backlog.wait_done, mark, timeout_s):
            why = self.trouble or f"the disk took longer than {timeout_s:g} s"
            raise AppError(ErrorKind.UNAVAILABLE, f"Facts of the {self._role} are not on the disk: {why}")

    async def stop(self) -> None:
        """Write what waits, within `stop_s`, and end the thread."""
        self._backlog.stop()
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join, self._settings.stop_s)
        self._loop = None
        if self.waiting:
            _log.error("facts were not written before the end", role=self._role, count=self.waiting)

    async def pull(self, after: Cursor, names: tuple[str, ...], wait_ms: int) -> Batch:
        """See `OutboxFace`; a cursor of another file's life starts from the oldest fact kept."""
        if self._epoch is None:
            raise AppError(
                ErrorKind.UNAVAILABLE, f"The {self._role} cannot read its facts yet: {self.trouble}"
            )
        epoch = self._epoch
        reached = after
        try:
            async with asyncio.timeout(wait_ms / 1000):
                while True:
                    news = self._news
                    batch = await self._database.read(
                        lambda connection: _read_batch(connection, self._envelope, epoch, after, names)
                    )
                    if batch.facts or batch.lost:
                        return batch
                    reached = batch.next
                    await news.wait()
        except TimeoutError:
            return Batch(reached, ())

    def _run(self) -> None:
        backoff = Backoff(limit_s=5.0)
        while not (self._backlog.is_stopping and not self._backlog):
            self.trouble = self._try_once() or None
            if self.trouble is None:
                backoff.reset()
            elif self._backlog.is_stopping:
                return
            else:
                self._backlog.pause(backoff.next_delay_s())

    def _try_once(self) -> str:
        """Write what waits; why it could not be, or nothing."""
        try:
            self._prepare()
            self._write_some()
        except AppError as error:
            _log.error("facts cannot be written", role=self._role, why=error.message)
            return error.message
        except Exception as error:  # the task supervisor's edge: this thread must not end silently
            _log.exception("facts cannot be written", role=self._role)
            return f"an error in the program ({type(error).__name__}); the log has it whole"
        return ""

    def _prepare(self) -> None:
        if self._epoch is not None:
            return
        identity = self._identity
        now_us = self._clock.now_us()
        stamp_header(
            self._database,
            DatabaseHeader(identity.organisation_id, identity.site_id, self._role, now_us),
        )
        migrate(self._database, "bus", SCRIPTS)
        self._epoch = self._database.write_sync(_epoch)
        self.trouble = None
        self._tell(self.ready.set)

    def _write_some(self) -> None:
        self._backlog.wait()
        self._backlog.pause(self._settings.linger_s)
        facts, lost = self._backlog.take(BATCH_FACTS)
        if not facts and lost is None:
            return
        rows = [asdict(fact) for fact in ([self._lost_fact(lost)] if lost else []) + facts]
        keep = self._settings.kept_facts if self._untrimmed >= TRIM_EVERY_FACTS else None
        try:
            self._database.write_sync(lambda connection: _append(connection, rows, keep))
        except BaseException:
            self._backlog.put_back(facts, lost)
            raise
        self._untrimmed = len(rows) + (0 if keep else self._untrimmed)
        self._backlog.done(len(facts))
        self._tell(self._announce)

    def _tell(self, call: Callable[[], None]) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(call)

    def _announce(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    def _lost_fact(self, lost: Lost) -> Said:
        fact = FactsLost(lost.count, lost.first_us, lost.last_us)
        return Said(
            new_id(),
            fact.name,
            fact.schema_version,
            self._clock.now_us(),
            None,
            new_id(),
            None,
            encode_fact(fact),
        )

    def _envelope(self, row: Row[Any]) -> Envelope:
        return Envelope(
            id=FactId(row.fact_id),
            name=row.name,
            schema_version=row.schema_version,
            at_us=row.at_us,
            site_id=self._identity.site_id,
            node_id=self._identity.node_id,
            producer=self._role,
            causation_id=FactId(row.causation_id) if row.causation_id else None,
            trace_id=row.trace_id,
            principal_id=PrincipalId(row.principal_id) if row.principal_id else None,
            sequence=row.sequence,
        )


def _epoch(connection: Connection) -> UUID:
    known: UUID | None = connection.execute(select(EPOCH.c.epoch)).scalar()
    if known is not None:
        return known
    fresh = new_id()
    connection.execute(insert(EPOCH).values(epoch=fresh))
    return fresh


def _append(connection: Connection, rows: list[dict[str, object]], keep: int | None) -> None:
    connection.execute(insert(OUTBOX), rows)
    if keep is not None:
        newest: int = connection.execute(select(func.max(OUTBOX.c.sequence))).scalar() or 0
        connection.execute(delete(OUTBOX).where(OUTBOX.c.sequence <= newest - keep))


def _read_batch(
    connection: Connection,
    envelope: Callable[[Row[Any]], Envelope],
    epoch: UUID,
    after: Cursor,
    names: tuple[str, ...],
) -> Batch:
    bounds = connection.execute(select(func.min(OUTBOX.c.sequence), func.max(OUTBOX.c.sequence))).one()
    oldest, newest = bounds[0] or 1, bounds[1] or 0
    is_same_life = after.epoch == epoch and after.sequence <= newest
    start = after.sequence if is_same_life else 0
    lost = max(0, oldest - start - 1) if start else 0
    query = (
        select(OUTBOX)
        .where(OUTBOX.c.sequence > start, OUTBOX.c.name.in_(names))
        .order_by(OUTBOX.c.sequence)
        .limit(PULL_FACTS)
    )
    facts: list[Carried] = []
    size_bytes = 0
    for row in connection.execute(query):
        size_bytes += len(row.body)
        if facts and size_bytes > PULL_BYTES:
            break
        facts.append(Carried(envelope(row), row.body))
    return Batch(Cursor(epoch, facts[-1].envelope.sequence if facts else newest), tuple(facts), lost)
