"""Settings kept in a database: written, replaced, and there again in another process."""

from functools import partial
from pathlib import Path

from civiscope.storage import (
    Database,
    KeptSetting,
    keep_setting,
    migrate_kept_settings,
    read_kept_settings,
    schema_snapshot,
)
from civiscope.storage.kept_settings import kept_setting_table

SNAPSHOT = Path(__file__).parents[1] / "corpus" / "schema" / "kept_settings.sql"


def test_a_value_is_replaced_and_survives(tmp_path: Path) -> None:
    first = KeptSetting("site", 1, {"name": "Pier town"}, 10, "chief")
    second = KeptSetting("site", 2, {"name": "Pier City", "hosts": ["a", "b"]}, 20, "deputy")
    other = KeptSetting("devices", 1, {}, 15, "chief")
    with Database(tmp_path / "server.db") as database:
        migrate_kept_settings(database)
        migrate_kept_settings(database)
        for one in (first, other, second):
            database.write_sync(partial(keep_setting, setting=one))
    with Database(tmp_path / "server.db") as database:
        assert database.read_sync(read_kept_settings) == {"site": second, "devices": other}


def test_the_schema_is_the_snapshot_and_what_the_code_believes(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db") as migrated, Database(tmp_path / "b.db") as declared:
        migrate_kept_settings(migrated)
        declared.write_sync(kept_setting_table.metadata.create_all)
        assert schema_snapshot(migrated) == SNAPSHOT.read_text(encoding="utf-8")
        lines = [line for line in schema_snapshot(migrated).splitlines() if "settings_version" not in line]
        assert lines == schema_snapshot(declared).splitlines()
