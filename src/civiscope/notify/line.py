"""The line to one target: what waits for it goes in order, and waits longer after each failure."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from civiscope.base import AppError, Backoff, Clock, ErrorKind, get_log
from civiscope.notify.model import Delivery, Message, TargetId
from civiscope.notify.plugin import NotifierPorts
from civiscope.notify.queue import DeliveryQueue
from civiscope.notify.settings import NotifySettings
from civiscope.notify.targets import TargetBook
from civiscope.security import LOCKED_WORDS

_DATABASE_RETRY_S = 5.0
_SECRET_SHOWN_CHARS = 4
"""Shorter secrets than this are not looked for in words: they would stand in any sentence."""
_log = get_log("civiscope.notify")


@dataclass(frozen=True, slots=True)
class LineParts:
    """What every line works with."""

    book: TargetBook
    queue: DeliveryQueue
    clock: Clock
    settings: NotifySettings
    ports: Callable[[], NotifierPorts]
    on_failed: Callable[[Delivery, int, str], None]
    """A delivery that is not tried again, its attempts, and why."""


async def hand_over(parts: LineParts, target_id: TargetId, message: Message) -> None:
    """Deliver once, within the notifier's deadline; AppError in words without a secret."""
    plugin, settings, secrets = await parts.book.ready(target_id)
    try:
        async with asyncio.timeout(plugin.deadline_s):
            await plugin.make(settings, parts.ports()).deliver(message)
    except TimeoutError:
        raise AppError(
            ErrorKind.TIMEOUT, f"There was no answer within {plugin.deadline_s:g} s. Is the other side well?"
        ) from None
    except AppError as error:
        raise AppError(error.kind, _without(error.message, secrets)) from None
    except Exception as error:  # plug-in: whatever a stranger's notifier raises; its words may hold a secret
        _log.error("a notifier broke", notifier=plugin.name, target=target_id, error=type(error).__name__)
        raise AppError(
            ErrorKind.INTERNAL,
            f"The notifier {plugin.name} is broken ({type(error).__name__}). Tell its maker.",
        ) from None


class TargetLine:
    """Runs while something waits for its target; one per target, so a slow one holds up no other."""

    def __init__(self, parts: LineParts, target_id: TargetId) -> None:
        self._parts = parts
        self._target_id = target_id
        self._wake = asyncio.Event()
        self._backoff = Backoff(parts.settings.first_retry_s, limit_s=parts.settings.retry_limit_s)
        self._not_before_us = 0
        """By the monotonic clock; a step of the wall clock neither hurries nor delays it."""

    def hurry(self) -> None:
        """Something has changed (the target, the vault): try at once."""
        self._backoff.reset()
        self._not_before_us = 0
        self._wake.set()

    async def run(self) -> None:
        """Until nothing waits."""
        first = await self._first()
        if first is not None and first.attempts and first.next_us is not None:
            self._resume(first, first.next_us)
        while (due := await self._first()) is not None:
            try:
                await self._serve(due)
            except AppError as error:
                _log.error("deliveries cannot be looked after", target=self._target_id, why=error.message)
                await asyncio.sleep(_DATABASE_RETRY_S)

    def _resume(self, first: Delivery, next_us: int) -> None:
        """What an earlier start put off is put off still, but never longer than the longest wait."""
        self._backoff.attempts = first.attempts
        limit_us = int(self._parts.settings.retry_limit_s * 1_000_000)
        left_us = min(max(0, next_us - self._parts.clock.now_us()), limit_us)
        self._not_before_us = self._parts.clock.monotonic_us() + left_us

    async def _first(self) -> Delivery | None:
        try:
            return await self._parts.queue.first_waiting(self._target_id)
        except AppError as error:
            _log.error("deliveries cannot be read", target=self._target_id, why=error.message)
            await asyncio.sleep(_DATABASE_RETRY_S)
            return None

    async def _serve(self, due: Delivery) -> None:
        """One step with the oldest: it fails of age, waits for its time, or is tried."""
        clock, settings = self._parts.clock, self._parts.settings
        left_us = due.at_us + settings.give_up_us - clock.now_us()
        wait_us = self._not_before_us - clock.monotonic_us()
        if left_us <= 0:
            hours = settings.give_up_us / 3_600_000_000
            await self._fail(due, f"Not delivered within {hours:g} h. {due.why}".strip(), due.attempts)
        elif wait_us > 0:
            await self._pause(min(wait_us, left_us))
        elif not (await self._parts.book.target(self._target_id)).is_on:
            await self._put_off(due, "The target is switched off.", settings.look_every_s, counts=False)
        else:
            await self._try(due)

    async def _try(self, due: Delivery) -> None:
        try:
            await hand_over(self._parts, self._target_id, due.message)
        except AppError as error:
            await self._not_taken(due, error)
            return
        self._backoff.reset()
        await self._parts.queue.sent(due)

    async def _not_taken(self, due: Delivery, error: AppError) -> None:
        if error.kind is ErrorKind.INVALID:
            await self._fail(due, error.message, due.attempts + 1)
        elif error.message == LOCKED_WORDS:
            await self._put_off(due, error.message, self._parts.settings.look_every_s, counts=False)
        else:
            _log.warning("a target took no message", target=self._target_id, why=error.message)
            await self._put_off(due, error.message, self._backoff.next_delay_s(), counts=True)

    async def _put_off(self, due: Delivery, why: str, delay_s: float, *, counts: bool) -> None:
        delay_us = int(delay_s * 1_000_000)
        self._wake.clear()
        self._not_before_us = self._parts.clock.monotonic_us() + delay_us
        await self._parts.queue.tried(due, why, self._parts.clock.now_us() + delay_us, counts=counts)

    async def _fail(self, due: Delivery, why: str, attempts: int) -> None:
        await self._parts.queue.failed(due, why, attempts)
        self._parts.on_failed(due, attempts, why)

    async def _pause(self, wait_us: int) -> None:
        try:
            async with asyncio.timeout(wait_us / 1_000_000):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()


def _without(words: str, secrets: tuple[str, ...]) -> str:
    for one in secrets:
        if len(one) >= _SECRET_SHOWN_CHARS:
            words = words.replace(one, "***")
    return words
