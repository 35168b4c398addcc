"""The first tables of the bus: epoch, outbox, cursors, handled ids, parked facts."""

from civiscope.storage import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Text,
    Uuid,
    op,
)

revision = "bus_0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table("bus_epoch", Column("epoch", Uuid, primary_key=True))
    _create_outbox()
    op.create_table(
        "bus_cursor",
        Column("subscription", String, nullable=False),
        Column("producer", String, nullable=False),
        Column("epoch", Uuid, nullable=False),
        Column("sequence", BigInteger, nullable=False),
        PrimaryKeyConstraint("subscription", "producer"),
    )
    op.create_table(
        "bus_handled",
        Column("number", Integer, primary_key=True),
        Column("subscription", String, nullable=False),
        Column("fact_id", Uuid, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("bus_handled_fact", "bus_handled", ["subscription", "fact_id"], unique=True)
    op.create_table(
        "bus_parked",
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


def _create_outbox() -> None:
    op.create_table(
        "bus_outbox",
        Column("sequence", Integer, primary_key=True),
        Column("fact_id", Uuid, nullable=False),
        Column("name", String, nullable=False),
        Column("schema_version", Integer, nullable=False),
        Column("at_us", BigInteger, nullable=False),
        Column("causation_id", Uuid),
        Column("trace_id", Uuid, nullable=False),
        Column("principal_id", Uuid),
        Column("body", LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("bus_outbox_name", "bus_outbox", ["name", "sequence"])
