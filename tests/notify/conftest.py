"""A server's database with audit and vault, an administrator, and certificates for servers of tests."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvloop

from civiscope.base import PrincipalId, SystemClock, new_id
from civiscope.bus import Fact
from civiscope.notify import NotifierPlugins, Notify, NotifySettings, migrate_notify
from civiscope.security import (
    AuditLog,
    LockableVault,
    Principal,
    PrincipalKind,
    Role,
    SiteKeys,
    Vault,
    migrate_security,
)
from civiscope.storage import Database

ADMINISTRATOR = Principal(
    PrincipalId(new_id()), "Anna", PrincipalKind.PERSON, frozenset({Role.ADMINISTRATOR})
)


@dataclass
class Site:
    """One server's part in notifying; opened and closed at will on the same file."""

    folder: Path
    keys: SiteKeys
    plugins: NotifierPlugins
    settings: NotifySettings
    vault_key: bytes = field(default_factory=Vault.new_key)
    clock: SystemClock = field(default_factory=SystemClock)
    facts: list[Fact] = field(default_factory=list)

    def start(self) -> Notify:
        """As after a start of the server."""
        self.database = Database(self.folder / "server.db")
        migrate_security(self.database)
        migrate_notify(self.database)
        self.audit = AuditLog(self.database, self.keys.audit_keys(), self.folder, self.clock)
        self.vault = LockableVault(self.vault_key)
        notify = Notify(self.database, self.audit, self.vault, self.clock, self.plugins, self.settings)
        notify.publish = self.facts.append
        return notify

    def stop(self) -> None:
        """The file is closed."""
        self.database.close()


@pytest.hookimpl(optionalhook=True)
def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The product's own loop."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def made_keys(tmp_path_factory: pytest.TempPathFactory) -> SiteKeys:
    """Keys, and a certificate for localhost and 127.0.0.1."""
    return SiteKeys.create(
        tmp_path_factory.mktemp("site") / "keys", "Harbour town", ("localhost", "127.0.0.1")
    )


@pytest.fixture
def settings() -> NotifySettings:
    """Retries come at once."""
    return NotifySettings(first_retry_s=0.01, retry_limit_s=0.05, look_every_s=0.2)


@pytest.fixture
def plugins() -> NotifierPlugins:
    """Those that come with Civiscope."""
    return NotifierPlugins()


@pytest.fixture
def site(
    tmp_path: Path, made_keys: SiteKeys, plugins: NotifierPlugins, settings: NotifySettings
) -> Iterator[Site]:
    """A site that was started."""
    made = Site(tmp_path, made_keys, plugins, settings)
    made.start()
    yield made
    made.stop()
