"""Refusals at the door, in the audit: the first at once, those of the next minute as one with a count."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

from starlette.requests import Request

from civiscope.api.calls import Call
from civiscope.api.guard import Guard, where_from
from civiscope.base import AppError, Clock, ErrorKind, get_log
from civiscope.security import AuditEntry, AuditLog, Outcome, Principal

FOLD_US = 60_000_000
_OPEN_MOST = 2_048
_ADDRESSES_MOST = 20
_CALLS_MOST = 20
_FLUSH_EVERY_S = 1.0
_STRANGER = "somebody not signed in"
_log = get_log("civiscope.api")


@dataclass(slots=True)
class _Fold:
    """Refusals of one principal at one call since the last entry about them."""

    who: Principal | str
    since_us: int
    """When the last entry was written."""
    count: int = 0
    message: str = ""
    kind: str = ""
    addresses: set[str] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)
    """Of a stranger several; the first `_CALLS_MOST` are named."""


class RefusalBook:
    """At most one entry per principal, call and minute; strangers are one, whatever they ask for."""

    def __init__(self, audit: AuditLog, guard: Guard, clock: Clock) -> None:
        self._audit = audit
        self._guard = guard
        self._clock = clock
        self._folds: OrderedDict[tuple[str, str], _Fold] = OrderedDict()

    async def note(self, request: Request, call: Call, error: AppError) -> None:
        """Enter or count one refusal; other failures than refusals are not for this book."""
        if error.kind not in {ErrorKind.DENIED, ErrorKind.UNAUTHENTICATED}:
            return
        who = await self._who(request)
        place = f"{call.method} {call.path}"
        key = (str(who.id), place) if isinstance(who, Principal) else (who, "")
        fold = self._folds.get(key)
        if fold is None:
            fold = self._folds[key] = _Fold(who, self._clock.monotonic_us())
            _count(fold, error, request, place)
            await self._write(fold)
            await self._make_room()
        else:
            _count(fold, error, request, place)

    async def run(self) -> None:
        """Write what was counted, each when its minute is over; all of it when cancelled."""
        try:
            while True:
                await asyncio.sleep(_FLUSH_EVERY_S)
                await self.write_due()
        finally:
            for fold in self._folds.values():
                await self._write(fold)
            self._folds.clear()

    async def write_due(self) -> None:
        """Write the counts whose minute is over."""
        due_us = self._clock.monotonic_us() - FOLD_US
        for key, fold in list(self._folds.items()):
            if fold.since_us > due_us:
                continue
            if fold.count:
                await self._write(fold)
            else:
                del self._folds[key]

    async def _who(self, request: Request) -> Principal | str:
        try:
            return (await self._guard.visitor(request)).principal
        except AppError:
            return _STRANGER

    async def _make_room(self) -> None:
        while len(self._folds) > _OPEN_MOST:
            _, oldest = self._folds.popitem(last=False)
            await self._write(oldest)

    async def _write(self, fold: _Fold) -> None:
        """A refusal stands also when it cannot be entered: then the log has it."""
        if not fold.count:
            return
        place = "several calls" if len(fold.calls) > 1 else min(fold.calls)
        entry = AuditEntry(
            fold.who, "door.refuse", place, outcome=Outcome.REFUSED,
            from_where=min(fold.addresses, default=""),
            details={
                "count": fold.count, "kind": fold.kind, "message": fold.message,
                "addresses": sorted(fold.addresses), "calls": sorted(fold.calls),
            },
        )  # fmt: skip
        fold.count, fold.since_us = 0, self._clock.monotonic_us()
        fold.addresses, fold.calls = set(), set()
        try:
            await self._audit.append(entry)
        except AppError as error:
            _log.error("a refusal is not in the audit", call=place, why=error.message)


def _count(fold: _Fold, error: AppError, request: Request, place: str) -> None:
    fold.count += 1
    if len(fold.calls) < _CALLS_MOST:
        fold.calls.add(place)
    fold.kind, fold.message = error.kind.value, error.message
    if len(fold.addresses) < _ADDRESSES_MOST:
        fold.addresses.add(where_from(request))
