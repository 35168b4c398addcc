"""The tables of this room, as the newest migration leaves them."""

from pathlib import Path

from civiscope.storage import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Database,
    Index,
    MetaData,
    String,
    Table,
    Uuid,
    migrate,
)

ROOM = "analytics"
_SCRIPTS = Path(__file__).parent / "migrations"

_metadata = MetaData()

analytic_table = Table(
    "analytic",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("channel_id", Uuid, nullable=False),
    Column("plugin", String(64), nullable=False),
    Column("name", String(120), nullable=False),
    Column("settings", JSON, nullable=False),
    Column("schedule", JSON(none_as_null=True)),
    Column("is_on", Boolean, nullable=False),
    Column("changed_us", BigInteger, nullable=False),
    Column("changed_by", String(120), nullable=False),
    Index("analytic_of_channel", "channel_id"),
)


def migrate_analytics(database: Database) -> None:
    """Bring this room's tables up to date; at start-up, blocking."""
    migrate(database, ROOM, _SCRIPTS)
