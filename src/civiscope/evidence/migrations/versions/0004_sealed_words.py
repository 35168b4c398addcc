"""What people write about a recording is sealed."""

from civiscope.storage import Column, LargeBinary, op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """A column beside each text; the server seals what is there at its next start."""
    for table in ("bookmark", "hold", "evidence_case"):
        op.add_column(table, Column("words", LargeBinary))
