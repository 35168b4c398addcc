"""The rooms on the server's database, wired once: for the server, and for the command line without one."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from civiscope.alarms import migrate_alarms
from civiscope.analytics import AnalyticBook, PluginShelf, migrate_analytics
from civiscope.app.home import Home
from civiscope.app.keys import load_keys
from civiscope.app.page_book import PageBook
from civiscope.app.settings import Settings
from civiscope.app.site_pages import first_pages
from civiscope.app.vault_keeper import open_door
from civiscope.base import AppError, ChannelId, Clock, StreamId, SystemClock, get_log
from civiscope.devices import Devices, RegisterSettings, migrate_devices
from civiscope.evidence import Evidence, migrate_evidence
from civiscope.notify import NotifierPlugins, Notify, migrate_notify
from civiscope.privacy import PurposeRegister, migrate_privacy
from civiscope.rules import migrate_rules
from civiscope.security import (
    Accounts,
    AuditLog,
    SiteIdentity,
    SiteKeys,
    VaultDoor,
    WordBox,
    migrate_security,
    provide_export_key,
)
from civiscope.storage import Database, DatabaseHeader, migrate_kept_settings, stamp_header

_HOUR_US = 3_600_000_000
_ROOMS = (
    migrate_kept_settings,
    migrate_security,
    migrate_privacy,
    migrate_devices,
    migrate_analytics,
    migrate_rules,
    migrate_alarms,
    migrate_notify,
    migrate_evidence,
)
"""Whose tables lie in the server's database."""
_log = get_log("civiscope.app")


@dataclass(frozen=True, slots=True)
class Site:
    """Who may do what, why, with which cameras; all on `server.db`."""

    home: Home
    settings: Settings
    keys: SiteKeys
    database: Database
    accounts: Accounts
    audit: AuditLog
    purposes: PurposeRegister
    devices: Devices
    analytics: AnalyticBook
    shelf: PluginShelf
    clock: Clock
    pages: PageBook
    vault_door: VaultDoor
    notify: Notify
    evidence: Evidence

    @property
    def identity(self) -> SiteIdentity:
        """Organisation, site and node."""
        return self.keys.identity


def create_site(home: Home, settings: Settings, clock: Clock | None = None) -> SiteKeys:
    """Make the data folder, the keys and the certificate of a new site; an existing site stays as it is."""
    home.ensure()
    if home.is_initialised:
        keys = SiteKeys.load(home.keys)
    else:
        keys = SiteKeys.create(home.keys, settings.site.name, _hosts(settings), clock)
        _log.info("made a new site", site=keys.identity.site_id, name=keys.identity.site_name)
    try:
        provide_export_key(home.keys, keys.identity.node_id, clock)
    except AppError as error:
        _log.warning("there is no key that signs exports; the site runs without", why=error.message)
    return keys


@asynccontextmanager
async def open_site(
    home: Home, settings: Settings, on_change: Callable[[], None] | None = None
) -> AsyncIterator[Site]:
    """Open the server's database with all its rooms; closes it at the end."""
    clock = SystemClock()
    keys = load_keys(home)
    with contextlib.ExitStack() as closing:
        database = Database(home.server_database)
        closing.callback(database.close)
        identity = keys.identity
        stamp_header(
            database,
            DatabaseHeader(identity.organisation_id, identity.site_id, "server", clock.now_us()),
        )
        for migrate_room in _ROOMS:
            migrate_room(database)
        vault_door = open_door(keys, settings.vault, clock)
        audit = AuditLog(database, vault_door.audit_keys, home.role("server"), clock)
        accounts = Accounts(database, audit, clock, factor_vault=keys.factor_vault())
        purposes = PurposeRegister(database, audit, clock)
        await purposes.seed_defaults()
        closing.callback(accounts.close)
        shelf = PluginShelf(settings.analytics.plugins)
        pages = PageBook(database, audit, clock, first_pages(settings))
        devices = Devices(
            database,
            vault_door.vault,
            clock,
            on_change,
            RegisterSettings(
                import_folders=settings.devices.import_folders,
                keep_us=lambda: int(pages.recording.keep_hours * _HOUR_US),
            ),
        )
        words = WordBox(keys.picture_sealer(), vault_door.keyring, clock, keys.folder / "analyst")
        evidence = Evidence(database, audit, _streams_of(devices), clock, words)
        await evidence.seal_older_words()
        plugins = NotifierPlugins(settings.notify.notifiers)
        yield Site(
            home=home,
            settings=settings,
            keys=keys,
            database=database,
            accounts=accounts,
            audit=audit,
            purposes=purposes,
            devices=devices,
            analytics=AnalyticBook(database, audit, clock, shelf),
            shelf=shelf,
            clock=clock,
            pages=pages,
            vault_door=vault_door,
            notify=Notify(database, audit, vault_door.vault, clock, plugins),
            evidence=evidence,
        )


def _streams_of(devices: Devices) -> Callable[[ChannelId], Awaitable[Sequence[StreamId]]]:
    async def streams_of(channel_id: ChannelId) -> Sequence[StreamId]:
        """Of a channel, removed or not; MISSING when there never was one."""
        return [one.id for one in (await devices.camera(channel_id)).streams]

    return streams_of


def hosts_of(settings: Settings, pages: PageBook) -> list[str]:
    """Names for the certificate besides this machine's own, the site's host name first."""
    named = [pages.site.host_name] if pages.site.host_name else []
    return [*named, *_hosts(settings)]


def _hosts(settings: Settings) -> Sequence[str]:
    """Names for the certificate: those configured, and the address listened on if it is a particular one."""
    listen_host = settings.server.listen.rpartition(":")[0].strip("[]")
    bound = () if listen_host in {"", "0.0.0.0", "::", "127.0.0.1", "::1", "localhost"} else (listen_host,)  # noqa: S104  compared, not bound
    return (*settings.server.hosts, *bound)
