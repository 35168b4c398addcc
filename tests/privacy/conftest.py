"""A server's database with the register on it, and people of each role."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from civiscope.base import ManualClock, PrincipalId, new_id
from civiscope.privacy import PurposeRegister, migrate_privacy
from civiscope.security import (
    AuditLog,
    Principal,
    PrincipalKind,
    Role,
    SiteKeys,
    migrate_security,
)
from civiscope.storage import Database

NOW_US = 1_790_000_000_000_000


def person(*roles: Role) -> Principal:
    name = ", ".join(role.words for role in roles) or "nobody"
    return Principal(PrincipalId(new_id()), name, PrincipalKind.PERSON, frozenset(roles))


@dataclass(frozen=True)
class Site:
    register: PurposeRegister
    audit: AuditLog
    database: Database
    clock: ManualClock


@pytest.fixture(scope="session")
def made_keys(tmp_path_factory: pytest.TempPathFactory) -> SiteKeys:
    return SiteKeys.create(tmp_path_factory.mktemp("site") / "keys", "Graz", (), ManualClock(NOW_US))


@pytest.fixture
def site(tmp_path: Path, made_keys: SiteKeys) -> Iterator[Site]:
    clock = ManualClock(NOW_US)
    with Database(tmp_path / "server.db") as database:
        migrate_security(database)
        migrate_privacy(database)
        audit = AuditLog(database, made_keys.audit_keys(), tmp_path, clock)
        yield Site(PurposeRegister(database, audit, clock), audit, database, clock)


@pytest.fixture
async def seeded(site: Site) -> Site:
    assert await site.register.seed_defaults()
    return site
