"""A site's keys (made once), a database with this room's tables, and accounts that hash cheaply."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from civiscope.base import ManualClock
from civiscope.security import (
    Accounts,
    AccountSettings,
    AuditLog,
    HashSettings,
    Principal,
    Session,
    SiteKeys,
    migrate_security,
    terminal_principal,
)
from civiscope.storage import Database

NOW_US = 1_790_000_000_000_000
PASSWORD = "four wild horses ran"
CHEAP = AccountSettings(hashing=HashSettings(memory_kib=64, passes=1))


@pytest.fixture(scope="session")
def made_keys(tmp_path_factory: pytest.TempPathFactory) -> SiteKeys:
    folder = tmp_path_factory.mktemp("site") / "keys"
    return SiteKeys.create(folder, "Graz", ["cams.graz.example", "10.1.2.3"], ManualClock(NOW_US))


@pytest.fixture
def keys(made_keys: SiteKeys, tmp_path: Path) -> SiteKeys:
    """A copy, so that a test may break it."""
    shutil.copytree(made_keys.folder, tmp_path / "keys")
    return SiteKeys.load(tmp_path / "keys")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_US)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "server.db") as database:
        migrate_security(database)
        yield database


@pytest.fixture
def audit(database: Database, made_keys: SiteKeys, tmp_path: Path, clock: ManualClock) -> AuditLog:
    return AuditLog(database, made_keys.audit_keys(), tmp_path, clock)


@pytest.fixture
def accounts(
    database: Database, audit: AuditLog, clock: ManualClock, made_keys: SiteKeys
) -> Iterator[Accounts]:
    accounts = Accounts(database, audit, clock, CHEAP, factor_vault=made_keys.factor_vault())
    yield accounts
    accounts.close()


@pytest.fixture
async def anna(accounts: Accounts) -> Session:
    """The first administrator, signed in."""
    code = (await accounts.issue_setup_code()).code.reveal()
    return await accounts.create_first_administrator(code, "Anna", PASSWORD, "127.0.0.1")


@pytest.fixture
def terminal() -> Principal:
    return terminal_principal("tester")
