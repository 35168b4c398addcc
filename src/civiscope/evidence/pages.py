"""The pages that lie in packages: the player of a locked one, and the verifier."""

from functools import cache
from importlib.resources import files

PLAYER_PATH = "open.html"
ARCHIVE_PATH = "archive.cvla"
VERIFIER_PATH = "verifier.html"


@cache
def player_page() -> bytes:
    """One HTML file that opens a locked archive without a network."""
    return files("civiscope.evidence").joinpath("player.html").read_bytes()


@cache
def verifier_page() -> bytes | None:
    """The stand-alone verifier; None in a build without it."""
    page = files("civiscope.evidence").joinpath("verifier.html")
    return page.read_bytes() if page.is_file() else None
