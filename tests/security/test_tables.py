"""The tables as the migrations leave them: as the snapshot says, and as the code believes."""

from pathlib import Path

from civiscope.security import migrate_security
from civiscope.security.tables import user_table
from civiscope.storage import Database, schema_snapshot

SNAPSHOT = Path(__file__).parents[1] / "corpus" / "schema" / "security.sql"


def test_migrated_schema_is_the_snapshot(tmp_path: Path) -> None:
    with Database(tmp_path / "server.db") as database:
        migrate_security(database)
        migrate_security(database)
        assert schema_snapshot(database) == SNAPSHOT.read_text(encoding="utf-8")


def test_migrated_schema_is_what_the_code_believes(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db") as migrated, Database(tmp_path / "b.db") as declared:
        migrate_security(migrated)
        declared.write_sync(user_table.metadata.create_all)
        migrated_lines = schema_snapshot(migrated).splitlines()
        own = {"security_version", "TRIGGER audit_entry", "trigger audit_entry"}
        assert [line for line in migrated_lines if not any(word in line for word in own)] == schema_snapshot(
            declared
        ).splitlines()
