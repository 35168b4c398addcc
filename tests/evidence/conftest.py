"""A server's database with evidence on it, one camera with two streams, and people."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from civiscope.base import AppError, ChannelId, ErrorKind, ManualClock, PrincipalId, StreamId, new_id
from civiscope.evidence import Evidence, migrate_evidence
from civiscope.security import AuditLog, Principal, PrincipalKind, Role, SiteKeys, WordBox, migrate_security
from civiscope.storage import Database

NOW_US = 1_796_083_200_000_000
ANNA = Principal(PrincipalId(new_id()), "Anna", PrincipalKind.PERSON, frozenset({Role.OPERATOR}))


@dataclass
class Desk:
    """The room with what is around it."""

    database: Database
    audit: AuditLog
    clock: ManualClock
    words: WordBox
    channels: dict[ChannelId, list[StreamId]] = field(default_factory=dict)
    changes: int = 0

    def evidence(self) -> Evidence:
        """As after a start."""
        made = Evidence(self.database, self.audit, self._streams_of, self.clock, self.words)
        made.on_change = self._changed
        return made

    def camera(self, streams: int = 2) -> ChannelId:
        """One more."""
        channel_id = ChannelId(new_id())
        self.channels[channel_id] = [StreamId(new_id()) for _ in range(streams)]
        return channel_id

    async def _streams_of(self, channel_id: ChannelId) -> list[StreamId]:
        if channel_id not in self.channels:
            raise AppError(ErrorKind.MISSING, "There is no such camera.")
        return self.channels[channel_id]

    def _changed(self) -> None:
        self.changes += 1


@pytest.fixture(scope="session")
def made_keys(tmp_path_factory: pytest.TempPathFactory) -> SiteKeys:
    return SiteKeys.create(tmp_path_factory.mktemp("site") / "keys", "Graz", (), ManualClock(NOW_US))


@pytest.fixture
def desk(tmp_path: Path, made_keys: SiteKeys) -> Iterator[Desk]:
    clock = ManualClock(NOW_US)
    with Database(tmp_path / "server.db") as database:
        migrate_security(database)
        migrate_evidence(database)
        words = WordBox(made_keys.picture_sealer(), made_keys.keyring(), clock)
        yield Desk(database, AuditLog(database, made_keys.audit_keys(), tmp_path, clock), clock, words)
