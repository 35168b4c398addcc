"""The tables as the migrations leave them: as the snapshot says, and as the code believes."""

from pathlib import Path

import pytest

from civiscope.base import AppError, ErrorKind
from civiscope.privacy import migrate_privacy
from civiscope.privacy.tables import permit_table
from civiscope.storage import Database, schema_snapshot, text

SNAPSHOT = Path(__file__).parents[1] / "corpus" / "schema" / "privacy.sql"


def test_migrated_schema_is_the_snapshot(tmp_path: Path) -> None:
    with Database(tmp_path / "server.db") as database:
        migrate_privacy(database)
        migrate_privacy(database)
        assert schema_snapshot(database) == SNAPSHOT.read_text(encoding="utf-8")


def test_migrated_schema_is_what_the_code_believes(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db") as migrated, Database(tmp_path / "b.db") as declared:
        migrate_privacy(migrated)
        declared.write_sync(permit_table.metadata.create_all)
        lines = [line for line in schema_snapshot(migrated).splitlines() if "privacy_version" not in line]
        assert lines == schema_snapshot(declared).splitlines()


def test_the_database_refuses_a_permit_for_nobody(tmp_path: Path) -> None:
    with Database(tmp_path / "server.db") as database:
        migrate_privacy(database)
        with pytest.raises(AppError) as refused:
            database.write_sync(
                lambda connection: connection.execute(
                    text("INSERT INTO permit (id, purpose_id, functions, from_us) VALUES ('1', 'p', '[]', 0)")
                )
            )
        assert refused.value.kind is ErrorKind.CONFLICT
