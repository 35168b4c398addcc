"""The tables as the migrations leave them: as the snapshot says, and as the code believes."""

from pathlib import Path

from civiscope.events import migrate_events
from civiscope.events.tables import event_table
from civiscope.storage import Database, schema_snapshot

SNAPSHOT = Path(__file__).parents[1] / "corpus" / "schema" / "events.sql"


def test_migrated_schema_is_the_snapshot(tmp_path: Path) -> None:
    with Database(tmp_path / "events.db") as database:
        migrate_events(database)
        migrate_events(database)
        assert schema_snapshot(database) == SNAPSHOT.read_text(encoding="utf-8")


def test_migrated_schema_is_what_the_code_believes(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db") as migrated, Database(tmp_path / "b.db") as declared:
        migrate_events(migrated)
        declared.write_sync(event_table.metadata.create_all)
        lines = [line for line in schema_snapshot(migrated).splitlines() if "events_version" not in line]
        assert lines == schema_snapshot(declared).splitlines()
