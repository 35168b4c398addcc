"""Schemas that grow: Alembic with one line of versions per room, all rooms of a process in one file."""

import threading
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from sqlalchemy import Connection, text

from civiscope.base import AppError, ErrorKind
from civiscope.storage.database import Database

_ALEMBIC_OP = threading.Lock()
"""`alembic.op` names whichever migration runs now, so a process migrates one room after another."""


def migrate(database: Database, room: str, scripts: Path) -> None:
    """Bring the room's tables up to the newest script under `scripts/versions/`, all or nothing.

    Scripts are Alembic revisions that import only from `civiscope.storage`. A file that a newer civiscope has
    written is refused with `CONFLICT` and left as it is. Blocks; called at start-up, before the room is used.
    """
    if not (scripts / "versions").is_dir():
        raise AppError(
            ErrorKind.INTERNAL, f"There are no migrations of {room} in {scripts}: reinstall civiscope."
        )
    with _ALEMBIC_OP:
        if not database.read_sync(lambda connection: _is_current(connection, room, scripts)):
            database.alter_sync(lambda connection: _upgrade(connection, room, scripts))


def _script_directory(scripts: Path) -> ScriptDirectory:
    return ScriptDirectory(str(scripts), version_locations=[str(scripts / "versions")])


def _context(connection: Connection, room: str) -> MigrationContext:
    return MigrationContext.configure(connection, opts={"version_table": f"{room}_version"})


def _is_current(connection: Connection, room: str, scripts: Path) -> bool:
    return _context(connection, room).get_current_revision() == _script_directory(scripts).get_current_head()


def _upgrade(connection: Connection, room: str, scripts: Path) -> None:
    context, directory = _context(connection, room), _script_directory(scripts)
    current = context.get_current_revision()
    try:
        steps = list(directory.iterate_revisions("head", current or "base"))
    except (CommandError, RevisionError) as error:
        raise AppError(
            ErrorKind.CONFLICT,
            f"The tables of {room} have version {current}, which this civiscope does not know: "
            "a newer one has used this file. Start the newer one, or restore a backup.",
        ) from error
    with Operations.context(context):
        for step in reversed(steps):
            step.module.upgrade()
            context.stamp(directory, step.revision)


def schema_snapshot(database: Database) -> str:
    """The whole schema as stable text, for tests that say "upgraded = fresh"; versions included, rows not."""
    return database.read_sync(_snapshot)


def _snapshot(connection: Connection) -> str:
    rows = connection.execute(
        text("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name")
    ).all()
    lines = [f"-- {row.type} {row.name}\n{' '.join(str(row.sql).split())};" for row in rows]
    for row in rows:
        if row.type == "table" and row.name.endswith("_version"):
            version = connection.execute(text(f'SELECT version_num FROM "{row.name}"')).scalar()  # noqa: S608  a name out of sqlite_master
            lines.append(f"-- {row.name} = {version}")
    return "\n".join(lines) + "\n"
