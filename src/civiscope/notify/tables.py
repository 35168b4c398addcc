"""The tables of this room, as the newest migration leaves them."""

from pathlib import Path

from civiscope.storage import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Database,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Uuid,
    migrate,
)

ROOM = "notify"
_SCRIPTS = Path(__file__).parent / "migrations"

_metadata = MetaData()

target_table = Table(
    "notify_target",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", String(80), nullable=False, unique=True),
    Column("notifier", String(32), nullable=False),
    Column("settings", JSON, nullable=False),
    Column("secrets_sealed", LargeBinary),
    Column("is_escalation", Boolean, nullable=False),
    Column("is_on", Boolean, nullable=False),
    Column("made_us", BigInteger, nullable=False),
)

delivery_table = Table(
    "notify_delivery",
    _metadata,
    Column("sequence", Integer, primary_key=True),
    Column("id", Uuid, nullable=False, unique=True),
    Column("target_id", Uuid, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("state", String(8), nullable=False),
    Column("rank", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_us", BigInteger),
    Column("ended_us", BigInteger),
    Column("why", String(300), nullable=False),
    Column("message", JSON, nullable=False),
    Index("notify_delivery_of_target", "target_id", "state", "sequence"),
    Index("notify_delivery_by_state", "state", "rank", "sequence"),
    sqlite_autoincrement=True,
)


def migrate_notify(database: Database) -> None:
    """Bring this room's tables up to date; at start-up, blocking."""
    migrate(database, ROOM, _SCRIPTS)
