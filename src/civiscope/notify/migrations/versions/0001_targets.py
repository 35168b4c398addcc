"""Targets, and deliveries to them."""

from civiscope.storage import JSON, BigInteger, Boolean, Column, Integer, LargeBinary, String, Uuid, op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the two tables of the first version."""
    op.create_table(
        "notify_target",
        Column("id", Uuid, primary_key=True),
        Column("name", String(80), nullable=False, unique=True),
        Column("notifier", String(32), nullable=False),
        Column("settings", JSON, nullable=False),
        Column("secrets_sealed", LargeBinary),
        Column("is_escalation", Boolean, nullable=False),
        Column("is_on", Boolean, nullable=False),
        Column("made_us", BigInteger, nullable=False),
    )
    op.create_table(
        "notify_delivery",
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
        sqlite_autoincrement=True,
    )
    op.create_index("notify_delivery_of_target", "notify_delivery", ["target_id", "state", "sequence"])
    op.create_index("notify_delivery_by_state", "notify_delivery", ["state", "rank", "sequence"])
