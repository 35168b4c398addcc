"""The tables of this room, as the newest migration leaves them."""

from pathlib import Path

from civiscope.storage import (
    BigInteger,
    Boolean,
    Column,
    Database,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    migrate,
    text,
)

ROOM = "alarms"
_SCRIPTS = Path(__file__).parent / "migrations"

_metadata = MetaData()

alarm_table = Table(
    "alarm",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("rule_id", Uuid, nullable=False),
    Column("rule_name", String(200), nullable=False),
    Column("title", String(200), nullable=False),
    Column("channel_id", Uuid),
    Column("event_id", Uuid, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("object_class", String(32)),
    Column("zone", String(120), nullable=False),
    Column("priority", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("owner_id", Uuid),
    Column("owner_name", String(64)),
    Column("raised_us", BigInteger, nullable=False),
    Column("last_us", BigInteger, nullable=False),
    Column("happened", Integer, nullable=False),
    Column("parked_until_us", BigInteger),
    Column("close_reason", String(200), nullable=False),
    Column("procedure", Text, nullable=False),
    Column("escalations", Integer, nullable=False),
    Column("has_picture", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Column("waits_since_us", BigInteger, nullable=False),
    Index("alarm_open", "rule_id", "channel_id", "zone", sqlite_where=text("state <> 'closed'")),
    Index("alarm_by_state", "state", "id"),
    Index("alarm_by_channel", "channel_id", "id"),
    Index("alarm_by_time", "raised_us"),
)

alarm_event_table = Table(
    "alarm_event",
    _metadata,
    Column("alarm_id", Uuid, ForeignKey("alarm.id"), nullable=False),
    Column("rule_id", Uuid, nullable=False),
    Column("event_id", Uuid, nullable=False),
    UniqueConstraint("rule_id", "event_id"),
)

history_table = Table(
    "alarm_history",
    _metadata,
    Column("sequence", Integer, primary_key=True),
    Column("alarm_id", Uuid, ForeignKey("alarm.id"), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("who_id", Uuid),
    Column("who", String(200), nullable=False),
    Column("what", String(32), nullable=False),
    Column("note", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("link", LargeBinary(32), nullable=False),
    Index("history_of_alarm", "alarm_id", "sequence"),
)


def migrate_alarms(database: Database) -> None:
    """Bring this room's tables up to date; at start-up, blocking."""
    migrate(database, ROOM, _SCRIPTS)
