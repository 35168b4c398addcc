"""The server's side of devices: the line to the driver host, their notifications, the hourly comparison."""

import asyncio
from collections.abc import Callable

from civiscope.app.device_events import DeviceEvents, Heard
from civiscope.app.drift_watch import DriftWatch
from civiscope.app.driver_link import DriverLink
from civiscope.app.site import Site
from civiscope.bus import Endpoint
from civiscope.devices import DeviceNotified, DriverFace, GateRules, Upkeep

_CALL_LIMIT_S = 10.0
_SUBSCRIPTION = "device notifications"


class DeviceSide:
    """Wired before the bus starts; `run` beside the door. `drivers` is for every call to a device;
    `heard` is told of every notification."""

    def __init__(self, site: Site, bus: Endpoint, gate: Callable[[], GateRules], heard: Heard) -> None:
        self.drivers: DriverFace = bus.face("driver", DriverFace, _CALL_LIMIT_S)
        self._events = DeviceEvents(site.devices, heard)
        self.link = DriverLink(self.drivers, site.clock, gate, self._events.sources)
        upkeep = Upkeep(self.drivers, site.devices.book, site.clock)
        self._watch = DriftWatch(
            site.devices, upkeep, site.clock, lambda: site.pages.devices.checks_every_hour
        )
        bus.subscribe("driver", DeviceNotified, self._events.keep, _SUBSCRIPTION)

    def wake(self) -> None:
        """Devices, or where they may stand, have changed; on the loop."""
        self.link.wake()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.link.run())
            group.create_task(self._events.run(self.link.wake))
            group.create_task(self._watch.run())
