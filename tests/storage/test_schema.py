"""Migrations: one line of versions per room, all or nothing, and refused when the file is from the future."""

from functools import partial
from pathlib import Path

import pytest

from civiscope.base import AppError, ErrorKind, OrganisationId, SiteId, new_id
from civiscope.storage import (
    Connection,
    Database,
    DatabaseHeader,
    migrate,
    read_header,
    schema_snapshot,
    stamp_header,
    text,
)

FIRST = """
from civiscope.storage import Column, Integer, Text, op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table("lamp", Column("id", Integer, primary_key=True), Column("name", Text, nullable=False))
"""
SECOND = """
from civiscope.storage import Column, Integer, op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("lamp", Column("height_cm", Integer))
"""
BROKEN = """
from civiscope.storage import Column, Integer, op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table("bulb", Column("id", Integer, primary_key=True))
    raise ValueError("half way")
"""
BATCH = """
from civiscope.storage import Text, op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    with op.batch_alter_table("lamp") as batch:
        batch.alter_column("name", nullable=True, existing_type=Text())
"""


def run_sql(connection: Connection, sql: str) -> None:
    connection.execute(text(sql))


def scripts(folder: Path, **texts: str) -> Path:
    versions = folder / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    for name, body in texts.items():
        (versions / f"{name.removeprefix('v')}.py").write_text(body, encoding="utf-8")
    return folder


def test_upgraded_equals_fresh(tmp_path: Path) -> None:
    with Database(tmp_path / "old.db") as old, Database(tmp_path / "fresh.db") as fresh:
        migrate(old, "lamps", scripts(tmp_path / "one", v0001_first=FIRST))
        old.write_sync(lambda c: c.execute(text("INSERT INTO lamp (name) VALUES ('corner')")) and None)
        both = scripts(tmp_path / "two", v0001_first=FIRST, v0002_height=SECOND)
        migrate(old, "lamps", both)
        migrate(fresh, "lamps", both)
        assert schema_snapshot(old) == schema_snapshot(fresh)
        assert "lamps_version = 0002" in schema_snapshot(old)
        assert old.read_sync(lambda c: c.execute(text("SELECT name FROM lamp")).scalar()) == "corner"


def test_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    folder = scripts(tmp_path / "s", v0001_first=FIRST)
    with Database(tmp_path / "a.db") as database:
        migrate(database, "lamps", folder)
        before = schema_snapshot(database)
        migrate(database, "lamps", folder)
        assert schema_snapshot(database) == before


def test_rooms_share_a_file_and_not_a_version(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db") as database:
        migrate(database, "lamps", scripts(tmp_path / "l", v0001_first=FIRST, v0002_height=SECOND))
        migrate(database, "signs", scripts(tmp_path / "s", v0001_first=FIRST.replace('"lamp"', '"sign"')))
        snapshot = schema_snapshot(database)
    assert "lamps_version = 0002" in snapshot
    assert "signs_version = 0001" in snapshot


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db") as database:
        migrate(database, "lamps", scripts(tmp_path / "s", v0001_first=FIRST, v0002_height=SECOND))
        before = schema_snapshot(database)
        with pytest.raises(ValueError, match="half way"):
            migrate(database, "lamps", scripts(tmp_path / "s", v0003_broken=BROKEN))
        assert schema_snapshot(database) == before


def test_a_file_from_the_future_is_refused_and_left_alone(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db") as database:
        migrate(database, "lamps", scripts(tmp_path / "new", v0001_first=FIRST, v0002_height=SECOND))
        before = schema_snapshot(database)
        with pytest.raises(AppError, match="newer one has used this file") as caught:
            migrate(database, "lamps", scripts(tmp_path / "old", v0001_first=FIRST))
        assert caught.value.kind is ErrorKind.CONFLICT
        assert schema_snapshot(database) == before


def test_rebuilding_a_table_keeps_the_rows_that_point_to_it(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db") as database:
        migrate(database, "lamps", scripts(tmp_path / "s", v0001_first=FIRST, v0002_height=SECOND))
        bulb = "CREATE TABLE bulb (lamp_id INTEGER REFERENCES lamp(id) ON DELETE CASCADE)"
        for sql in (bulb, "INSERT INTO lamp (id, name) VALUES (7, 'x')", "INSERT INTO bulb VALUES (7)"):
            database.write_sync(partial(run_sql, sql=sql))
        migrate(database, "lamps", scripts(tmp_path / "s", v0003_batch=BATCH))
        assert database.read_sync(lambda c: c.execute(text("SELECT count(*) FROM bulb")).scalar()) == 1
        with pytest.raises(AppError) as caught:
            database.write_sync(lambda c: c.execute(text("INSERT INTO bulb VALUES (8)")) and None)
        assert caught.value.kind is ErrorKind.CONFLICT


def test_missing_scripts_are_named(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db") as database, pytest.raises(AppError, match="no migrations of lamps"):
        migrate(database, "lamps", tmp_path / "nowhere")


def header(role: str = "server") -> DatabaseHeader:
    return DatabaseHeader(OrganisationId(new_id()), SiteId(new_id()), role, 1_700_000_000_000_000)


def test_a_header_is_stamped_once_and_then_compared(tmp_path: Path) -> None:
    first = header()
    with Database(tmp_path / "a.db") as database:
        assert read_header(database) is None
        assert stamp_header(database, first) == first
        later = DatabaseHeader(first.organisation_id, first.site_id, first.role, first.created_us + 5)
        assert stamp_header(database, later) == first
        assert read_header(database) == first
        with pytest.raises(AppError, match="belongs to site") as caught:
            stamp_header(database, header())
        assert caught.value.kind is ErrorKind.CONFLICT
