"""Rules with all their versions, their firings, and what became of each action."""

from civiscope.storage import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    PrimaryKeyConstraint,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    op,
    text,
)

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the four tables of the first version."""
    op.create_table(
        "rule",
        Column("id", Uuid, primary_key=True),
        Column("version", Integer, nullable=False),
        Column("removed_us", BigInteger),
    )
    op.create_table(
        "rule_body",
        Column("rule_id", Uuid, ForeignKey("rule.id"), nullable=False),
        Column("version", Integer, nullable=False),
        Column("body", Text, nullable=False),
        Column("changed_us", BigInteger, nullable=False),
        Column("changed_by", String(200), nullable=False),
        PrimaryKeyConstraint("rule_id", "version"),
    )
    op.create_table(
        "firing",
        Column("id", Uuid, primary_key=True),
        Column("rule_id", Uuid, ForeignKey("rule.id"), nullable=False),
        Column("rule_version", Integer, nullable=False),
        Column("event_id", Uuid, nullable=False),
        Column("channel_id", Uuid),
        Column("at_us", BigInteger, nullable=False),
        Column("fired_us", BigInteger, nullable=False),
        UniqueConstraint("rule_id", "event_id"),
    )
    op.create_table(
        "firing_action",
        Column("firing_id", Uuid, ForeignKey("firing.id"), nullable=False),
        Column("place", Integer, nullable=False),
        Column("name", String(32), nullable=False),
        Column("state", String(16), nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("next_us", BigInteger),
        Column("words", String(300), nullable=False),
        PrimaryKeyConstraint("firing_id", "place"),
    )
    op.create_index("firing_of_rule", "firing", ["rule_id", "channel_id", "at_us"])
    op.create_index("firing_by_time", "firing", ["fired_us"])
    op.create_index("action_waiting", "firing_action", ["next_us"], sqlite_where=text("state = 'waiting'"))
