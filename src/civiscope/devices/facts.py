"""What devices say on the bus."""

from dataclasses import dataclass
from typing import ClassVar

from civiscope.base import DeviceId
from civiscope.bus import Fact


@dataclass(frozen=True, slots=True)
class DeviceNotified(Fact):
    """A device told of something; text as it came, cut to bounds (`NotificationBounds`)."""

    name: ClassVar[str] = "devices.device_notified"
    schema_version: ClassVar[int] = 1
    device_id: DeviceId
    at_us: int
    topic: str
    operation: str
    source: tuple[tuple[str, str], ...] = ()
    data: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NotificationsDropped(Fact):
    """A device told more within a second than is passed on; so many were given up."""

    name: ClassVar[str] = "devices.notifications_dropped"
    schema_version: ClassVar[int] = 1
    device_id: DeviceId
    count: int
    first_us: int
    last_us: int
