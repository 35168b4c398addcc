"""A channel's own time of keeping."""

from civiscope.storage import Column, Float, op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """None: every channel is kept as long as its purpose or the site says."""
    op.add_column("channel", Column("keep_hours", Float))
