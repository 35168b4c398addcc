"""Exports."""

from civiscope.storage import JSON, BigInteger, Column, Integer, LargeBinary, String, Uuid, op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table of exports."""
    op.create_table(
        "export_job",
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
    )
    op.create_index("export_of_asker", "export_job", ["asker_id", "made_us"])
    op.create_index("export_by_state", "export_job", ["state", "made_us"])
