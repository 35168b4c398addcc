"""Indexes for searching the audit, deliveries of its heads, and heads kept for other nodes."""

from civiscope.storage import BigInteger, Boolean, Column, Integer, LargeBinary, String, op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """The chain's rows stay as they are."""
    for name, columns in (
        ("audit_by_time", "at_us"),
        ("audit_by_who", 'who COLLATE "NOCASE"'),
        ("audit_by_principal", "principal_id"),
        ("audit_by_what", 'what COLLATE "NOCASE"'),
        ("audit_by_object", 'object COLLATE "NOCASE"'),
        ("audit_by_outcome", "outcome"),
    ):
        op.execute(f"CREATE INDEX {name} ON audit_entry ({columns})")
    op.create_table(
        "audit_head_delivery",
        Column("id", Integer, primary_key=True),
        Column("at_us", BigInteger, nullable=False),
        Column("target", String(300), nullable=False),
        Column("is_done", Boolean, nullable=False),
        Column("why", String(400), nullable=False),
        Column("head_us", BigInteger, nullable=False),
    )
    op.create_table(
        "audit_received_head",
        Column("id", Integer, primary_key=True),
        Column("received_us", BigInteger, nullable=False),
        Column("from_where", String(128), nullable=False),
        Column("node_id", String(36), nullable=False),
        Column("at_us", BigInteger, nullable=False),
        Column("head", LargeBinary, nullable=False),
    )
    op.create_index("audit_received_of_node", "audit_received_head", ["node_id", "at_us"])
