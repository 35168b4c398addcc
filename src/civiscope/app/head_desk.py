"""The audit's heads of this node: kept beside the chain each minute, sent to second parties each day."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from civiscope.api import TargetState
from civiscope.app.head_couriers import Courier, courier_for
from civiscope.app.settings import AuditSettings
from civiscope.app.site_pages import AuditPage
from civiscope.base import AppError, Backoff, Clock, ErrorKind, get_log
from civiscope.security import (
    AuditEntry,
    AuditLog,
    Delivery,
    HeadLedger,
    NodeHead,
    Principal,
    ReceivedHead,
    SiteIdentity,
    keep_node_head,
)

PROCESS = "server"
NODE_HEAD_NAME = "audit.node-head"
_LOOK_EVERY_S = 60.0
_DAY_US = 24 * 3_600_000_000
_FIRST_RETRY_S = 60.0
_RETRY_LIMIT_S = 3_600.0
_LAST_TRY_S = 1.0
_log = get_log("civiscope.app")


@dataclass(slots=True)
class _Target:
    """What is known of one second party."""

    backoff: Backoff
    sent_us: int | None = None
    head_sequence: int = 0
    failing_since_us: int | None = None
    why: str = ""
    not_before_us: int = 0


@dataclass(frozen=True, slots=True)
class HeadPlaces:
    """Where heads come from and are kept."""

    audit: AuditLog
    ledger: HeadLedger
    identity: SiteIdentity
    folder: Path
    """The server's own."""


class HeadDesk:
    """Implements the door's `HeadDesk`; `run` is its clock."""

    def __init__(
        self,
        places: HeadPlaces,
        page: Callable[[], AuditPage],
        settings: AuditSettings,
        clock: Clock,
    ) -> None:
        self._places = places
        self._page = page
        self._settings = settings
        self._clock = clock
        self._targets: dict[str, _Target] = {}
        self._kept_sequence = 0
        self._turn = asyncio.Lock()
        self._wake = asyncio.Event()

    def look_again(self) -> None:
        """The settings have changed; called on the loop."""
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled; then what is due goes out, if it goes quickly."""
        await self._remember()
        try:
            while True:
                await self._look()
                self._wake.clear()
                try:
                    async with asyncio.timeout(_LOOK_EVERY_S):
                        await self._wake.wait()
                except TimeoutError:
                    continue
        except asyncio.CancelledError:
            await self._last_try()
            raise

    async def tick(self) -> None:
        """Keep the node's head, and send it wherever a day is over since the last one."""
        head = await self.node_head()
        if head is None:
            return
        sequence = head.chains[0].head.sequence
        if sequence != self._kept_sequence:
            await asyncio.to_thread(keep_node_head, self._places.folder / NODE_HEAD_NAME, head)
            self._kept_sequence = sequence
        for name in self._page().send_to:
            if self._is_due(name, sequence):
                await self._send(name, head)

    async def node_head(self) -> NodeHead | None:
        """The head of this moment."""
        identity = self._places.identity
        return await self._places.audit.node_head(PROCESS, identity.site_id, identity.node_id)

    async def targets(self) -> Sequence[TargetState]:
        """The second parties, as they are configured."""
        found = [(name, self._target(name)) for name in self._page().send_to]
        return [TargetState(name, one.sent_us, one.failing_since_us, one.why) for name, one in found]

    async def deliveries(self) -> Sequence[Delivery]:
        """The newest attempts, newest first."""
        return await self._places.ledger.deliveries()

    async def received(self) -> Sequence[ReceivedHead]:
        """The newest heads of other nodes, newest first."""
        return await self._places.ledger.received()

    async def send_now(self, by: Principal, from_where: str) -> None:
        """Send to every second party now."""
        names = self._page().send_to
        if not names:
            raise AppError(
                ErrorKind.CONFLICT, "There is no second party. Name one in the settings of the audit first."
            )
        await self._places.audit.append(AuditEntry(by, "audit.send", "audit", from_where=from_where))
        head = await self.node_head()
        assert head is not None, "an entry was just made"
        for name in names:
            await self._send(name, head)

    async def receive(self, head: bytes, by: Principal, from_where: str) -> None:
        """Keep another node's head."""
        try:
            received = NodeHead.from_json(head)
        except AppError as error:
            raise AppError(ErrorKind.INVALID, f"{error.message}.") from None
        if received.node_id == self._places.identity.node_id:
            raise AppError(ErrorKind.INVALID, "This is this node's own head. Send it to another node.")
        await self._places.ledger.receive(received, from_where)
        details = {"node": str(received.node_id), "at_us": received.at_us}
        entry = AuditEntry(
            by, "audit.receive", f"node {received.node_id}", from_where=from_where, details=details
        )
        await self._places.audit.append(entry)

    async def _look(self) -> None:
        try:
            await self.tick()
        except AppError as error:
            _log.error("the audit's head could not be looked after", why=error.message)

    async def _last_try(self) -> None:
        try:
            async with asyncio.timeout(_LAST_TRY_S):
                await self._look()
        except TimeoutError:
            _log.warning("a head that was due was not sent before the stop; the next start sends it")

    async def _remember(self) -> None:
        """What earlier starts delivered, newest last."""
        try:
            known = await self._places.ledger.deliveries(1_000)
        except AppError as error:
            _log.error("earlier deliveries of heads are not known", why=error.message)
            return
        for delivery in reversed(known):
            target = self._target(delivery.target)
            if delivery.is_done:
                target.sent_us, target.failing_since_us, target.why = delivery.at_us, None, ""
            else:
                target.failing_since_us = target.failing_since_us or delivery.at_us
                target.why = delivery.why

    def _target(self, name: str) -> _Target:
        if name not in self._targets:
            self._targets[name] = _Target(Backoff(first_s=_FIRST_RETRY_S, limit_s=_RETRY_LIMIT_S))
        return self._targets[name]

    def _is_due(self, name: str, sequence: int) -> bool:
        target = self._target(name)
        if self._clock.monotonic_us() < target.not_before_us:
            return False
        if target.failing_since_us is not None or target.sent_us is None:
            return True
        is_over = abs(self._clock.now_us() - target.sent_us) >= _DAY_US
        return is_over and sequence != target.head_sequence

    async def _send(self, name: str, head: NodeHead) -> None:
        async with self._turn:
            target, now_us = self._target(name), self._clock.now_us()
            try:
                courier: Courier = courier_for(name, self._page(), self._settings)
                await asyncio.to_thread(courier.deliver, head)
            except AppError as error:
                target.failing_since_us, target.why = target.failing_since_us or now_us, error.message
                wait_us = int(target.backoff.next_delay_s() * 1_000_000)
                target.not_before_us = self._clock.monotonic_us() + wait_us
                _log.warning("a second party did not get the audit's head", target=name, why=error.message)
                await self._places.ledger.note(Delivery(now_us, name, False, error.message, head.at_us))
                return
            target.backoff.reset()
            target.sent_us, target.failing_since_us, target.why = now_us, None, ""
            target.head_sequence, target.not_before_us = head.chains[0].head.sequence, 0
            await self._places.ledger.note(Delivery(now_us, name, True, "", head.at_us))
