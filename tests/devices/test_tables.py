"""The tables as the migrations leave them: as the snapshot says, and as the code believes."""

from pathlib import Path

from civiscope.devices import migrate_devices
from civiscope.devices.tables import binding_table
from civiscope.storage import Database, schema_snapshot

SNAPSHOT = Path(__file__).parent / "schema.sql"


def test_migrated_schema_is_the_snapshot(tmp_path: Path) -> None:
    with Database(tmp_path / "server.db") as database:
        migrate_devices(database)
        migrate_devices(database)
        assert schema_snapshot(database) == SNAPSHOT.read_text(encoding="utf-8")


def test_migrated_schema_is_what_the_code_believes(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db") as migrated, Database(tmp_path / "b.db") as declared:
        migrate_devices(migrated)
        declared.write_sync(binding_table.metadata.create_all)
        migrated_lines = [
            line for line in schema_snapshot(migrated).splitlines() if "devices_version" not in line
        ]
        assert migrated_lines == schema_snapshot(declared).splitlines()
