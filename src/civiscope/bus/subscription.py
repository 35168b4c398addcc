"""One subscriber's reading of one producer: in order, at least once, never stuck on one bad fact."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from civiscope.base import AppError, Backoff, Clock, ErrorKind, get_log
from civiscope.bus.context import CallContext, calling
from civiscope.bus.facts import Envelope, Fact, decode_fact
from civiscope.bus.inbox import Inbox, Progress
from civiscope.bus.outbox import Batch, Carried, Cursor, OutboxFace

_log = get_log("civiscope.bus")
Handler = Callable[[Envelope, Any], Awaitable[None]]
POLL_MS = 20_000
WHY_LIMIT = 1_000
_TRANSIENT = frozenset({ErrorKind.UNAVAILABLE, ErrorKind.EXHAUSTED})


@dataclass(frozen=True, slots=True)
class SubscriptionSettings:
    """How patient a subscription is with its handler."""

    handler_limit_s: float = 30.0
    attempts: int = 5
    first_retry_s: float = 0.1
    retry_limit_s: float = 5.0
    save_every_s: float = 1.0


@dataclass(frozen=True, slots=True)
class SubscriptionStatus:
    """How a subscription stands. `trouble` says in plain words why it does not move; None if it does."""

    name: str
    producer: str
    sequence: int
    handled: int
    parked: int
    lost: int
    trouble: str | None


class Subscription:
    """Handlers of one name for one producer share one cursor, so they see the producer's facts in one order.

    A handler that raises is tried again with back-off and then its fact is parked; one that raises
    `UNAVAILABLE` or `EXHAUSTED` (its disk is full, its database locked) is tried until it works, because the
    fact is not at fault. Meanwhile only this subscription waits.
    """

    def __init__(
        self,
        name: str,
        producer: str,
        inbox: Inbox,
        clock: Clock,
        settings: SubscriptionSettings | None = None,
    ) -> None:
        self._inbox = inbox
        self._clock = clock
        self._settings = settings or SubscriptionSettings()
        self._handlers: dict[str, tuple[type[Fact], Handler]] = {}
        self._cursor = Cursor(None, 0)
        self._saved = self._cursor
        self._handled: list[UUID] = []
        self._parked: list[tuple[Carried, str]] = []
        self.status = SubscriptionStatus(name, producer, 0, 0, 0, 0, None)

    def add(self, fact_type: type[Fact], handler: Handler) -> None:
        """Hear this type too; before `run` only, so that no fact passes unheard."""
        if fact_type.name in self._handlers:
            raise ValueError(f"{self.status.name} hears {fact_type.name} already")
        self._handlers[fact_type.name] = (fact_type, handler)

    async def run(self, source: OutboxFace) -> None:
        """Pull and handle, until cancelled."""
        backoff = Backoff(limit_s=2.0)
        while True:
            try:
                await self._load()
                await self._pull_once(source)
            except AppError as error:
                self._note(trouble=error.message)
            except Exception as error:  # the task supervisor's edge: no subscription ends silently
                _log.exception("a subscription stumbled", subscription=self.status.name)
                self._note(trouble=f"an error in the program ({type(error).__name__})")
            else:
                backoff.reset()
                continue
            await asyncio.sleep(backoff.next_delay_s())

    async def save(self) -> None:
        """Remember how far it came; what fails to be remembered is handled again after the next start."""
        if self._cursor == self._saved:
            return
        progress = Progress(self._cursor, tuple(self._handled), tuple(self._parked))
        await self._inbox.save(self.status.name, self.status.producer, progress, self._clock.now_us())
        self._saved = progress.cursor
        del self._handled[: len(progress.handled)]
        del self._parked[: len(progress.parked)]

    async def _load(self) -> None:
        if self._cursor.epoch is None:
            self._cursor = await self._inbox.cursor(self.status.name, self.status.producer)
            self._saved = self._cursor

    async def _pull_once(self, source: OutboxFace) -> None:
        await self.save()
        batch = await source.pull(self._cursor, tuple(self._handlers), POLL_MS)
        self._note(trouble=None)
        if batch.lost:
            self._note(lost=self.status.lost + batch.lost)
            _log.error(
                "facts were gone before they were heard",
                subscription=self.status.name,
                producer=self.status.producer,
                at_most=batch.lost,
            )
        await self._take(batch)

    async def _take(self, batch: Batch) -> None:
        known = await self._inbox.known(self.status.name, batch.facts) if batch.facts else frozenset()
        save_due_us = self._clock.monotonic_us() + int(self._settings.save_every_s * 1_000_000)
        for carried in batch.facts:
            if carried.envelope.id not in known:
                await self._handle(carried)
            self._cursor = Cursor(batch.next.epoch, carried.envelope.sequence)
            self._note(sequence=carried.envelope.sequence)
            if self._clock.monotonic_us() >= save_due_us:
                await self.save()
                save_due_us = self._clock.monotonic_us() + int(self._settings.save_every_s * 1_000_000)
        self._cursor = batch.next

    async def _handle(self, carried: Carried) -> None:
        why = await self._try(carried)
        if why is None:
            self._handled.append(carried.envelope.id)
            self._note(handled=self.status.handled + 1)
            return
        self._parked.append((carried, why))
        self._note(parked=self.status.parked + 1)
        _log.error("a fact was parked", subscription=self.status.name, fact=carried.envelope.id, why=why)

    async def _try(self, carried: Carried) -> str | None:
        """None when handled; why it is to be parked otherwise."""
        backoff = Backoff(first_s=self._settings.first_retry_s, limit_s=self._settings.retry_limit_s)
        failures = 0
        while True:
            try:
                await self.dispatch(carried)
            except AppError as error:
                why = f"{error.kind}: {error.message}"
                failures += 0 if error.kind in _TRANSIENT else 1
                failures = self._settings.attempts if error.kind is ErrorKind.INVALID else failures
            except Exception as error:  # the request handler's edge: whole into the log
                _log.exception("a handler failed", subscription=self.status.name, fact=carried.envelope.id)
                why = f"{type(error).__name__}: {error}"
                failures += 1
            else:
                self._note(trouble=None)
                return None
            if failures >= self._settings.attempts:
                return why[:WHY_LIMIT]
            self._note(trouble=why)
            await asyncio.sleep(backoff.next_delay_s())

    async def dispatch(self, carried: Carried) -> None:
        """Run the handler once, within its time limit and in the fact's trace."""
        envelope = carried.envelope
        fact_type, handler = self._handlers[envelope.name]
        fact = decode_fact(fact_type, carried.body)
        with calling(CallContext(envelope.trace_id, envelope.principal_id)):
            try:
                async with asyncio.timeout(self._settings.handler_limit_s):
                    await handler(envelope, fact)
            except TimeoutError:
                raise AppError(
                    ErrorKind.TIMEOUT, f"The handler took longer than {self._settings.handler_limit_s:g} s."
                ) from None

    def _note(self, **changes: Any) -> None:
        self.status = replace(self.status, **changes)
