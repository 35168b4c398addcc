"""The bus's rows in a process's own file: what it said, how far it heard, what it could not handle."""

from pathlib import Path

from civiscope.storage import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    Uuid,
)

SCRIPTS = Path(__file__).parent / "migrations"
_METADATA = MetaData()

EPOCH = Table("bus_epoch", _METADATA, Column("epoch", Uuid, primary_key=True))
"""One row: made with the file, so that subscribers notice when a producer's file was replaced."""

OUTBOX = Table(
    "bus_outbox",
    _METADATA,
    Column("sequence", Integer, primary_key=True),
    Column("fact_id", Uuid, nullable=False),
    Column("name", String, nullable=False),
    Column("schema_version", Integer, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("causation_id", Uuid),
    Column("trace_id", Uuid, nullable=False),
    Column("principal_id", Uuid),
    Column("body", LargeBinary, nullable=False),
    Index("bus_outbox_name", "name", "sequence"),
    sqlite_autoincrement=True,
)

CURSOR = Table(
    "bus_cursor",
    _METADATA,
    Column("subscription", String, nullable=False),
    Column("producer", String, nullable=False),
    Column("epoch", Uuid, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    PrimaryKeyConstraint("subscription", "producer"),
)

HANDLED = Table(
    "bus_handled",
    _METADATA,
    Column("number", Integer, primary_key=True),
    Column("subscription", String, nullable=False),
    Column("fact_id", Uuid, nullable=False),
    Index("bus_handled_fact", "subscription", "fact_id", unique=True),
    sqlite_autoincrement=True,
)

PARKED = Table(
    "bus_parked",
    _METADATA,
    Column("number", Integer, primary_key=True),
    Column("subscription", String, nullable=False),
    Column("producer", String, nullable=False),
    Column("fact_id", Uuid, nullable=False),
    Column("name", String, nullable=False),
    Column("parked_us", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)
