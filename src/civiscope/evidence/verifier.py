"""The stand-alone verifier: one HTML file that goes along with packages, known by its hash."""

import hashlib
from functools import cache
from pathlib import Path

VERIFIER_NAME = "verifier.html"


@cache
def verifier_page() -> bytes:
    """The page's bytes, as they are published."""
    return (Path(__file__).with_name(VERIFIER_NAME)).read_bytes()


def verifier_hash() -> str:
    """Its SHA-256, 64 small hexadecimal digits."""
    return hashlib.sha256(verifier_page()).hexdigest()
