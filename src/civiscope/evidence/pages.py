"""The page that opens a locked package."""

from functools import cache
from pathlib import Path

PLAYER_NAME = "open.html"
ARCHIVE_NAME = "archive.cvla"


@cache
def player_page() -> bytes:
    """One HTML file that opens the archive beside it, without a network."""
    return Path(__file__).with_name("player.html").read_bytes()
