"""Alarms, the events in them, and their history, which the database itself keeps as it was written."""

from civiscope.storage import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
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
    """Make the three tables of the first version."""
    _make_alarm()
    op.create_table(
        "alarm_event",
        Column("alarm_id", Uuid, ForeignKey("alarm.id"), nullable=False),
        Column("rule_id", Uuid, nullable=False),
        Column("event_id", Uuid, nullable=False),
        UniqueConstraint("rule_id", "event_id"),
    )
    op.create_table(
        "alarm_history",
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
    )
    op.create_index("history_of_alarm", "alarm_history", ["alarm_id", "sequence"])
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER alarm_history_no_{change.lower()} BEFORE {change} ON alarm_history "
            "BEGIN SELECT RAISE(ABORT, 'the history of alarms is never changed or deleted'); END"
        )


def _make_alarm() -> None:
    op.create_table(
        "alarm",
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
    )
    op.create_index(
        "alarm_open", "alarm", ["rule_id", "channel_id", "zone"], sqlite_where=text("state <> 'closed'")
    )
    op.create_index("alarm_by_state", "alarm", ["state", "id"])
    op.create_index("alarm_by_channel", "alarm", ["channel_id", "id"])
    op.create_index("alarm_by_time", "alarm", ["raised_us"])
