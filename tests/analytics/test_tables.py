"""The tables as the migrations leave them: as the snapshot says, and as the code believes."""

from pathlib import Path

from civiscope.analytics import migrate_analytics
from civiscope.analytics.tables import analytic_table
from civiscope.storage import Database, schema_snapshot

SNAPSHOT = Path(__file__).parents[1] / "corpus" / "schema" / "analytics.sql"


def test_migrated_schema_is_the_snapshot(tmp_path: Path) -> None:
    with Database(tmp_path / "server.db") as database:
        migrate_analytics(database)
        migrate_analytics(database)
        assert schema_snapshot(database) == SNAPSHOT.read_text(encoding="utf-8")


def test_migrated_schema_is_what_the_code_believes(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db") as migrated, Database(tmp_path / "b.db") as declared:
        migrate_analytics(migrated)
        declared.write_sync(analytic_table.metadata.create_all)
        lines = [line for line in schema_snapshot(migrated).splitlines() if "analytics_version" not in line]
        assert lines == schema_snapshot(declared).splitlines()
