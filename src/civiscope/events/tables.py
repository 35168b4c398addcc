"""The tables of this room, in a database file of their own, as the newest migration leaves them.

Ids are 16 bytes: a channel, a moment and an id make the clustered key, so that a camera's events of a time
lie side by side.
"""

from pathlib import Path

from civiscope.storage import (
    BigInteger,
    Boolean,
    Column,
    Database,
    Float,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    migrate,
    text,
)

ROOM = "events"
_SCRIPTS = Path(__file__).parent / "migrations"
NO_CHANNEL = bytes(16)
"""Stands in the key of an event of no single channel."""

_metadata = MetaData()

event_table = Table(
    "event",
    _metadata,
    Column("channel", LargeBinary(16), nullable=False),
    Column("began_us", BigInteger, nullable=False),
    Column("id", LargeBinary(16), nullable=False),
    Column("source", String(16), nullable=False),
    Column("source_id", LargeBinary(16)),
    Column("plugin", String(64), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("ended_us", BigInteger),
    Column("lasts", Boolean, nullable=False),
    Column("has_begun", Boolean, nullable=False),
    Column("object_class", String(32)),
    Column("track_id", BigInteger),
    Column("box_n", String),
    Column("place_n", String),
    Column("zone", String(120), nullable=False),
    Column("direction", String(32), nullable=False),
    Column("score", Float),
    Column("more", Text, nullable=False),
    Column("detector", String(64), nullable=False),
    Column("has_picture", Boolean, nullable=False),
    PrimaryKeyConstraint("channel", "began_us", "id"),
    Index("event_by_id", "id", unique=True),
    Index("event_by_time", "began_us", "id"),
    Index("event_going_on", "began_us", sqlite_where=text("lasts AND ended_us IS NULL")),
    sqlite_with_rowid=False,
)

picture_table = Table(
    "event_picture",
    _metadata,
    Column("event_id", LargeBinary(16), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

coverage_table = Table(
    "coverage",
    _metadata,
    Column("channel", LargeBinary(16), nullable=False),
    Column("from_us", BigInteger, nullable=False),
    Column("reason", String(32), nullable=False),
    Column("detail", String(300), nullable=False),
    PrimaryKeyConstraint("channel", "from_us"),
    sqlite_with_rowid=False,
)


def migrate_events(database: Database) -> None:
    """Bring this room's tables up to date; at start-up, blocking."""
    migrate(database, ROOM, _SCRIPTS)
