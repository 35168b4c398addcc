"""The tables of this room, as the newest migration leaves them."""

from pathlib import Path

from civiscope.storage import (
    JSON,
    BigInteger,
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

ROOM = "evidence"
_SCRIPTS = Path(__file__).parent / "migrations"

_metadata = MetaData()

bookmark_table = Table(
    "bookmark",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("channel_id", Uuid, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("text", String(500), nullable=False),
    Column("made_by", String(200), nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("event_id", Uuid),
    Column("words", LargeBinary),
    Index("bookmark_of_channel", "channel_id", "at_us"),
)

hold_table = Table(
    "hold",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("channel_id", Uuid, nullable=False),
    Column("from_us", BigInteger, nullable=False),
    Column("to_us", BigInteger, nullable=False),
    Column("reason", String(500), nullable=False),
    Column("until_us", BigInteger),
    Column("streams", JSON, nullable=False),
    Column("made_by", String(200), nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger),
    Column("case_id", Uuid),
    Column("words", LargeBinary),
    Index("hold_of_channel", "channel_id", "from_us"),
)

export_table = Table(
    "export_job",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("asker_id", Uuid, nullable=False),
    Column("asker_kind", String(20), nullable=False),
    Column("asker_name", String(200), nullable=False),
    Column("from_where", String(100), nullable=False),
    Column("order", JSON, nullable=False),
    Column("state", String(20), nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("items", JSON, nullable=False),
    Column("words", String(500), nullable=False),
    Column("finished_us", BigInteger),
    Column("expires_us", BigInteger),
    Column("size_bytes", BigInteger, nullable=False),
    Column("fetches", Integer, nullable=False),
    Column("sealed_key", LargeBinary),
    Index("export_of_asker", "asker_id", "made_us"),
    Index("export_by_state", "state", "made_us"),
)

case_table = Table(
    "evidence_case",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("reference", String(200), nullable=False),
    Column("opened_by", String(200), nullable=False),
    Column("opened_us", BigInteger, nullable=False),
    Column("sealed_key", LargeBinary),
    Column("words", LargeBinary),
)


def migrate_evidence(database: Database) -> None:
    """Bring this room's tables up to date; at start-up, blocking."""
    migrate(database, ROOM, _SCRIPTS)
