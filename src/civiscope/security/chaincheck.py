"""Checking an audit chain from its rows, its key and the heads kept beside it."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from functools import partial

from civiscope.base import AppError, ErrorKind
from civiscope.security.auditwriter import AuditKeys, recorded_of
from civiscope.security.chain import head_message, link
from civiscope.security.headfile import KeptHead
from civiscope.security.signature import read_signature
from civiscope.security.tables import audit_detail_table, audit_table
from civiscope.storage import Connection, Database, Row, func, select

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What a check found."""

    intact: bool
    entries: int
    """How many entries were checked."""
    first_broken: int | None
    """Sequence of the first entry that is changed or missing; None if no entry is."""
    what: str
    """In words."""


class _BrokenChain(Exception):  # noqa: N818  ends the walk; never leaves this module
    def __init__(self, sequence: int | None, what: str) -> None:
        super().__init__(what)
        self.sequence = sequence
        self.what = what


@dataclass(slots=True)
class _Walk:
    """Where the check stands: everything before `sequence + 1` was found whole."""

    sequence: int
    chain: bytes
    signature: bytes
    checked: int = 0
    links: dict[int, bytes] = field(default_factory=dict)
    """The links at the sequences of kept heads."""


class ChainCheck:
    """One check; reads the chain in pages, so that it may be long and grow meanwhile."""

    def __init__(self, database: Database, keys: AuditKeys, kept: Sequence[KeptHead]) -> None:
        self._database = database
        self._keys = keys
        self._checker = keys.checker()
        self._kept = kept

    async def run(self, newest: int | None) -> AuditReport:
        """The whole chain, or its newest entries only."""
        walk = await self._database.read(lambda connection: self._start(connection, newest))
        start = walk.sequence
        try:
            await self._walk_on(walk)
            await self._check_signature(walk, start)
            self._check_heads(walk, start)
        except _BrokenChain as broken:
            return AuditReport(False, walk.checked, broken.sequence, broken.what)
        words = f"{walk.checked} entries are as they were written"
        if not self._keys.details.is_open:
            words += "; their details were not looked at, because the vault is locked"
        return AuditReport(True, walk.checked, None, words)

    def _start(self, connection: Connection, newest: int | None) -> _Walk:
        last = connection.execute(select(func.max(audit_table.c.sequence))).scalar() or 0
        before = 0 if newest is None else max(0, last - max(1, newest))
        query = select(audit_table.c.chain, audit_table.c.signature).where(audit_table.c.sequence == before)
        row = connection.execute(query).first()
        if row is None:
            return _Walk(0, self._keys.first_link(), b"")
        return _Walk(before, row.chain, row.signature)

    async def _walk_on(self, walk: _Walk) -> None:
        heads = {kept.head.sequence for kept in self._kept if kept.head is not None}
        while rows := await self._database.read(lambda connection: _page(connection, walk.sequence)):
            for row in rows:
                self._step(walk, row)
                if walk.sequence in heads:
                    walk.links[walk.sequence] = walk.chain

    def _step(self, walk: _Walk, row: Row[tuple[object, ...]]) -> None:
        expected = walk.sequence + 1
        if row.sequence != expected:
            raise _BrokenChain(expected, f"entry {expected} is missing")
        try:
            chain = link(walk.chain, walk.signature, recorded_of(row))
            read_signature(row.signature)
        except (AppError, ValueError, TypeError, AttributeError, OverflowError):
            raise _BrokenChain(expected, f"entry {expected} holds what no entry holds") from None
        if chain != row.chain:
            broken = expected if self._holds(walk.sequence, walk.chain, walk.signature) else walk.sequence
            raise _BrokenChain(
                broken, f"entry {broken} was changed, or entries were put in or taken out there"
            )
        if row.sealed is not None:
            self._check_details(expected, row.sealed, row.commitment)
        walk.sequence, walk.chain, walk.signature = expected, chain, row.signature
        walk.checked += 1

    def _check_details(self, sequence: int, sealed: bytes, committed: bytes) -> None:
        if not self._keys.details.is_open:
            return
        try:
            self._keys.open_details(sequence, sealed, committed)
        except AppError as error:
            if error.kind is ErrorKind.UNAVAILABLE:  # locked meanwhile
                return
            raise _BrokenChain(sequence, f"the details of entry {sequence} were changed") from None

    async def _check_signature(self, walk: _Walk, start: int) -> None:
        """The newest signature stands for all before it; if it fails, find the first that does."""
        if walk.sequence == 0 or self._holds(walk.sequence, walk.chain, walk.signature):
            return
        unsigned = [
            row.sequence
            for after in range(start, walk.sequence, _PAGE)
            for row in await self._database.read(partial(_page, after=after))
            if not self._holds(row.sequence, row.chain, row.signature)
        ]
        broken = min(unsigned, default=walk.sequence)
        raise _BrokenChain(broken, f"entry {broken} is not signed by this site's audit key")

    def _check_heads(self, walk: _Walk, start: int) -> None:
        if walk.sequence and not self._kept:
            raise _BrokenChain(
                None, "no head is kept beside the chain: entries cut from its end go unnoticed"
            )
        for kept in self._kept:
            head = kept.head
            if head is None or head.sequence < 1 or not self._holds(*astuple(head)):
                raise _BrokenChain(None, f"the kept head {kept.path.name} was changed")
            if head.sequence > walk.sequence:
                missing = walk.sequence + 1
                raise _BrokenChain(missing, f"entries {missing} to {head.sequence} were cut from the end")
            if head.sequence > start and walk.links[head.sequence] != head.chain:
                raise _BrokenChain(
                    head.sequence,
                    f"the chain up to entry {head.sequence} is another than {kept.path.name} says",
                )

    def _holds(self, sequence: int, chain: bytes, signature: bytes) -> bool:
        if sequence == 0:
            return True
        try:
            self._checker.check(signature, head_message(sequence, chain))
        except (AppError, OverflowError):
            return False
        return True


def _page(connection: Connection, after: int) -> Sequence[Row[tuple[object, ...]]]:
    query = (
        select(audit_table, audit_detail_table.c.sealed)
        .outerjoin(audit_detail_table, audit_detail_table.c.sequence == audit_table.c.sequence)
        .where(audit_table.c.sequence > after)
        .order_by(audit_table.c.sequence)
        .limit(_PAGE)
    )
    return connection.execute(query).all()
