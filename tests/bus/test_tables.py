"""The schema of the bus: the tables in code are those the migrations make, and the snapshot is theirs."""

import os
from pathlib import Path

from civiscope.bus.tables import CURSOR, EPOCH, HANDLED, OUTBOX, PARKED, SCRIPTS
from civiscope.storage import Database, migrate, schema_snapshot

SNAPSHOT = Path(__file__).parent.parent / "corpus" / "schema" / "bus.sql"


def test_the_migrated_schema_is_the_snapshot(tmp_path: Path) -> None:
    with Database(tmp_path / "bus.db") as database:
        migrate(database, "bus", SCRIPTS)
        found = schema_snapshot(database)
    if os.environ.get("CIVISCOPE_GOLDEN") == "write":
        SNAPSHOT.parent.mkdir(parents=True, exist_ok=True)
        SNAPSHOT.write_text(found, encoding="utf-8")
    assert found == SNAPSHOT.read_text(encoding="utf-8")


def test_the_tables_in_code_are_the_migrated_tables(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db") as migrated, Database(tmp_path / "b.db") as made:
        migrate(migrated, "bus", SCRIPTS)
        for table in (EPOCH, OUTBOX, CURSOR, HANDLED, PARKED):
            made.write_sync(table.create)
        assert tables_of(schema_snapshot(made)) == tables_of(schema_snapshot(migrated))


def tables_of(snapshot: str) -> list[str]:
    """Everything but the version table."""
    return [line for line in snapshot.splitlines() if "bus_version" not in line]
