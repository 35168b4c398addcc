"""When a channel is recorded."""

from civiscope.storage import Column, Text, op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """None: every channel is recorded continuously."""
    op.add_column("channel", Column("recording", Text))
