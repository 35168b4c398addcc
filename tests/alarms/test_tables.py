"""The tables as the migrations leave them: as the snapshot says, and as the code believes."""

from pathlib import Path

from civiscope.alarms import migrate_alarms
from civiscope.alarms.tables import alarm_table
from civiscope.storage import Database, schema_snapshot

SNAPSHOT = Path(__file__).parents[1] / "corpus" / "schema" / "alarms.sql"


def test_migrated_schema_is_the_snapshot(tmp_path: Path) -> None:
    with Database(tmp_path / "server.db") as database:
        migrate_alarms(database)
        migrate_alarms(database)
        assert schema_snapshot(database) == SNAPSHOT.read_text(encoding="utf-8")


def test_migrated_schema_is_what_the_code_believes(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db") as migrated, Database(tmp_path / "b.db") as declared:
        migrate_alarms(migrated)
        declared.write_sync(alarm_table.metadata.create_all)
        own = {"alarms_version", "TRIGGER alarm_history", "trigger alarm_history"}
        lines = [
            line for line in schema_snapshot(migrated).splitlines() if not any(word in line for word in own)
        ]
        assert lines == schema_snapshot(declared).splitlines()
