"""The tables of this room, as the newest migration leaves them."""

from pathlib import Path

from civiscope.storage import (
    BigInteger,
    Column,
    Database,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    migrate,
    text,
)

ROOM = "rules"
_SCRIPTS = Path(__file__).parent / "migrations"

_metadata = MetaData()

rule_table = Table(
    "rule",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("removed_us", BigInteger),
)

rule_body_table = Table(
    "rule_body",
    _metadata,
    Column("rule_id", Uuid, ForeignKey("rule.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("changed_us", BigInteger, nullable=False),
    Column("changed_by", String(200), nullable=False),
    PrimaryKeyConstraint("rule_id", "version"),
)

firing_table = Table(
    "firing",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("rule_id", Uuid, ForeignKey("rule.id"), nullable=False),
    Column("rule_version", Integer, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("channel_id", Uuid),
    Column("at_us", BigInteger, nullable=False),
    Column("fired_us", BigInteger, nullable=False),
    UniqueConstraint("rule_id", "event_id"),
    Index("firing_of_rule", "rule_id", "channel_id", "at_us"),
    Index("firing_by_time", "fired_us"),
)

firing_action_table = Table(
    "firing_action",
    _metadata,
    Column("firing_id", Uuid, ForeignKey("firing.id"), nullable=False),
    Column("place", Integer, nullable=False),
    Column("name", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_us", BigInteger),
    Column("words", String(300), nullable=False),
    PrimaryKeyConstraint("firing_id", "place"),
    Index("action_waiting", "next_us", sqlite_where=text("state = 'waiting'")),
)


def migrate_rules(database: Database) -> None:
    """Bring this room's tables up to date; at start-up, blocking."""
    migrate(database, ROOM, _SCRIPTS)
