"""Settings that people change while the product runs: one JSON value per name, with its schema version.

What a name or a value means is the caller's business; here they are kept, whole or not at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import JSON, BigInteger, Column, Connection, Integer, MetaData, String, Table, select
from sqlalchemy.dialects.sqlite import insert as upsert

from civiscope.storage.database import Database
from civiscope.storage.schema import migrate

_SCRIPTS = Path(__file__).parent / "migrations"
_metadata = MetaData()

kept_setting_table = Table(
    "kept_setting",
    _metadata,
    Column("name", String(64), primary_key=True),
    Column("schema_version", Integer, nullable=False),
    Column("value", JSON, nullable=False),
    Column("changed_us", BigInteger, nullable=False),
    Column("changed_by", String(128), nullable=False),
)


@dataclass(frozen=True, slots=True)
class KeptSetting:
    """One value as it was last written."""

    name: str
    schema_version: int
    value: Mapping[str, object]
    changed_us: int
    changed_by: str


def migrate_kept_settings(database: Database) -> None:
    """Make or upgrade the table; at start-up, blocking."""
    migrate(database, "kept_settings", _SCRIPTS)


def read_kept_settings(connection: Connection) -> dict[str, KeptSetting]:
    """Every value by its name, within the caller's transaction."""
    rows = connection.execute(select(kept_setting_table)).all()
    return {
        row.name: KeptSetting(row.name, row.schema_version, row.value, row.changed_us, row.changed_by)
        for row in rows
    }


def keep_setting(connection: Connection, setting: KeptSetting) -> None:
    """Write or replace one value, within the caller's transaction."""
    columns = {
        "schema_version": setting.schema_version,
        "value": dict(setting.value),
        "changed_us": setting.changed_us,
        "changed_by": setting.changed_by,
    }
    query = upsert(kept_setting_table).values(name=setting.name, **columns)
    connection.execute(query.on_conflict_do_update(index_elements=["name"], set_=columns))
