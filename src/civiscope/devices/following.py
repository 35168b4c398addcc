"""Hearing what devices tell: one follower a device, come again after each loss, with a bound on how much."""

import asyncio
from collections.abc import Callable

from civiscope.base import AppError, Backoff, Clock, DeviceId, get_log
from civiscope.bus import Fact
from civiscope.devices.cell import places_of
from civiscope.devices.driver import Driver, DriverPorts, EventSource
from civiscope.devices.equipment import Notification
from civiscope.devices.facts import NotificationsDropped
from civiscope.devices.tidying import tidy_notification

NOTIFICATIONS_PER_S = 20
"""Of one device; more within a second are counted and given up."""
_SECOND_US = 1_000_000
_log = get_log("civiscope.devices.following")

Publish = Callable[[Fact], None]


class Follower:
    """Follows one device in its driver's cell until cancelled."""

    def __init__(self, source: EventSource, driver: Driver, ports: DriverPorts, publish: Publish) -> None:
        self._source = source
        self._driver = driver
        self._ports = ports
        self._publish = publish
        self._backoff = Backoff(first_s=1.0, limit_s=60.0)

    async def run(self) -> None:
        """Reach the device and pass on what it tells; lost or refused, come again, ever slower."""
        sluice = Sluice(self._source.device_id, self._publish, self._ports.clock)
        try:
            while True:
                why = await self._hear_once(sluice)
                _log.warning("a device's notifications are lost", device=self._source.device_id, why=why)
                await asyncio.sleep(self._backoff.next_delay_s())
        finally:
            sluice.close()

    async def _hear_once(self, sluice: "Sluice") -> str:
        """Why it ended."""
        try:
            await self._hear(sluice)
        except AppError as error:
            return error.message
        except TimeoutError:
            return "it did not answer in time"
        except Exception as error:  # the plug-in's edge
            _log.error(
                "a driver failed",
                driver=self._driver.name,
                error=type(error).__name__,
                trace=places_of(error),
            )
            return f"the driver failed with {type(error).__name__}"
        return "it ended the subscription"

    async def _hear(self, sluice: "Sluice") -> None:
        async with asyncio.timeout(self._driver.deadline_s) as reaching:
            async with self._driver.reach(self._source.device, self._ports) as equipment:
                reaching.reschedule(None)  # it is there; how long it has nothing to tell is its own affair
                async for one in equipment.notifications():
                    self._backoff.reset()
                    sluice.take(one)


class Sluice:
    """Publishes at most so many notifications of one device within a second; says how many it gave up.

    For one event loop.
    """

    def __init__(self, device_id: DeviceId, publish: Publish, clock: Clock) -> None:
        self._device_id = device_id
        self._publish = publish
        self._clock = clock
        self._began_us = clock.monotonic_us() - _SECOND_US
        self._passed = 0
        self._dropped = 0
        self._first_us = self._last_us = 0
        self._timer: asyncio.TimerHandle | None = None

    def take(self, said: Notification) -> None:
        """Pass it on, or count it."""
        now_us = self._clock.monotonic_us()
        if now_us - self._began_us >= _SECOND_US:
            self._began_us, self._passed = now_us, 0
        if self._passed < NOTIFICATIONS_PER_S:
            self._passed += 1
            self._publish(tidy_notification(self._device_id, said))
            return
        self._last_us = self._clock.now_us()
        if not self._dropped:
            self._first_us = self._last_us
        self._dropped += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(1.0, self._tell)

    def close(self) -> None:
        """Say what was given up and not said yet."""
        if self._timer is not None:
            self._timer.cancel()
        self._tell()

    def _tell(self) -> None:
        self._timer = None
        if self._dropped:
            count, self._dropped = self._dropped, 0
            self._publish(NotificationsDropped(self._device_id, count, self._first_us, self._last_us))
