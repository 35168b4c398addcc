"""Everything the door calls, in one frozen value that `app` makes."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from civiscope.api.ports import Looks, Prober, Streams, System, Timelines
from civiscope.api.settings import ApiSettings
from civiscope.base import Clock, SiteId
from civiscope.devices import Devices
from civiscope.privacy import PurposeRegister
from civiscope.security import Accounts, AuditLog


@dataclass(frozen=True, slots=True)
class Site:
    """The place as its people know it."""

    id: SiteId
    name: str
    time_zone: str

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which its days begin."""
        return ZoneInfo(self.time_zone)


@dataclass(frozen=True, slots=True)
class Faces:
    """The rooms behind the door."""

    settings: ApiSettings
    clock: Clock
    site: Site
    authority_pem: bytes
    accounts: Accounts
    audit: AuditLog
    purposes: PurposeRegister
    devices: Devices
    streams: Streams
    prober: Prober
    timelines: Timelines
    looks: Looks
    system: System
