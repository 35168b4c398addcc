"""Everything the door calls, in one frozen value that `app` makes."""

from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from civiscope.alarms import Alarms
from civiscope.analytics import AnalyticBook
from civiscope.api.analysis_ports import AnalysisDesk
from civiscope.api.audit_ports import HeadDesk
from civiscope.api.deletion_ports import Deletions
from civiscope.api.ports import Looks, Prober, Recordings, Streams, System, Timelines
from civiscope.api.settings import ApiSettings
from civiscope.api.site_ports import AuthorityDesk, SettingsPages, TownDesk
from civiscope.api.vault_ports import VaultDesk
from civiscope.base import Clock, SiteId
from civiscope.devices import Devices, DriverFace
from civiscope.events import EventStore
from civiscope.evidence import Evidence
from civiscope.notify import Notify
from civiscope.privacy import PurposeRegister
from civiscope.rules import RuleBook
from civiscope.security import Accounts, AuditLog
from civiscope.viewing import ExportDesk


@dataclass(frozen=True, slots=True)
class Site:
    """The place as its people know it."""

    id: SiteId
    name: str
    time_zone: str
    host_name: str = ""
    """The name browsers type; empty while the site has none."""
    jurisdiction: str = ""
    first_run_done: bool = True

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which its days begin."""
        return ZoneInfo(self.time_zone)


@dataclass(frozen=True, slots=True)
class Faces:
    """The rooms behind the door."""

    settings: ApiSettings
    clock: Clock
    site_now: Callable[[], Site]
    """Its name, zone and host name may change while the server runs."""
    authority: AuthorityDesk
    pages: SettingsPages
    town: TownDesk
    vault: VaultDesk
    heads: HeadDesk
    accounts: Accounts
    audit: AuditLog
    purposes: PurposeRegister
    devices: Devices
    drivers: DriverFace
    analytics: AnalyticBook
    analysis: AnalysisDesk
    streams: Streams
    prober: Prober
    timelines: Timelines
    looks: Looks
    events: EventStore
    rules: RuleBook
    alarms: Alarms
    system: System
    notify: Notify
    evidence: Evidence
    exports: ExportDesk
    deletions: Deletions
    recordings: Recordings

    @property
    def site(self) -> Site:
        """The place at this moment."""
        return self.site_now()
