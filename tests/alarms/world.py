"""Alarms on a server's database, people who handle them, and a bus that is a list."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

from tests.events.world import GATE, NOW_US, PIER

from civiscope.alarms import Alarm, AlarmDraft, AlarmFaces, Alarms, AlarmSettings, migrate_alarms
from civiscope.base import ChannelId, ManualClock, PrincipalId, new_id
from civiscope.bus import Fact
from civiscope.security import (
    AuditLog,
    Principal,
    PrincipalKind,
    Role,
    ScopedRole,
    SiteKeys,
    migrate_security,
)
from civiscope.storage import Database

RULE = UUID(int=77)


def person(name: str, *roles: Role, pier: Role | None = None) -> Principal:
    """Somebody with roles on the site, or with one at the pier alone."""
    scoped = (ScopedRole(pier, frozenset({PIER})),) if pier else ()
    return Principal(PrincipalId(new_id()), name, PrincipalKind.PERSON, frozenset(roles), grants=scoped)


ANNA = person("Anna", Role.OPERATOR)
BEN = person("Ben", Role.OPERATOR)
PIA = person("Pia", pier=Role.OPERATOR)
VERA = person("Vera", Role.VIEWER)
DORA = person("Dora", Role.DATA_PROTECTION_OFFICER)
PEOPLE = {one.id: one for one in (ANNA, BEN, PIA, VERA, DORA)}


def draft(at_us: int = NOW_US, channel_id: ChannelId | None = PIER, **changes: object) -> AlarmDraft:
    """Somebody in the zone at the pier."""
    made = AlarmDraft(
        rule_id=RULE, rule_name="Zone", title="Person entered Mole", event_id=new_id(), at_us=at_us,
        channel_id=channel_id, kind="zone.entered", object_class="person", zone="Mole",
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]  # names are checked when it is made


@dataclass
class AlarmWorld:
    """Alarms with everything around them."""

    alarms: Alarms
    audit: AuditLog
    database: Database
    clock: ManualClock
    said: list[Fact] = field(default_factory=list)
    told_again: list[Alarm] = field(default_factory=list)


@contextmanager
def alarm_world(folder: Path, keys: SiteKeys, settings: AlarmSettings | None = None) -> Iterator[AlarmWorld]:
    """A fresh one in the folder."""
    clock = ManualClock(NOW_US)
    with Database(folder / "server.db") as database:
        migrate_security(database)
        migrate_alarms(database)
        audit = AuditLog(database, keys.audit_keys(), folder, clock)
        said: list[Fact] = []
        again: list[Alarm] = []

        async def somebody(user_id: PrincipalId) -> Principal | None:
            return PEOPLE.get(user_id)

        async def unacknowledged(alarm: Alarm) -> None:
            again.append(alarm)

        faces = AlarmFaces(said.append, somebody, unacknowledged, clock)
        yield AlarmWorld(Alarms(database, audit, faces, settings), audit, database, clock, said, again)


__all__ = [
    "ANNA", "BEN", "DORA", "GATE", "NOW_US", "PIA", "PIER", "RULE", "VERA", "AlarmWorld", "alarm_world",
    "draft", "person",
]  # fmt: skip
