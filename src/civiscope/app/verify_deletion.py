"""A certificate of deletion, as `civiscope verify` says what it proves."""

from pathlib import Path

from civiscope.app.deletions import certificate_in_words
from civiscope.base import AppError, ErrorKind
from civiscope.recording import (
    CERTIFICATE_LIMIT_BYTES,
    DoomedWraps,
    Verdict,
    check_certificate,
    is_certificate,
)
from civiscope.security import SiteTrust


def read_deletion(path: Path) -> bytes | None:
    """The file, if it says that it is a certificate of deletion."""
    if path.suffix != ".json" or not path.is_file():
        return None
    with path.open("rb") as file:
        data = file.read(CERTIFICATE_LIMIT_BYTES)
    return data if is_certificate(data) else None


def check_deletion(
    data: bytes, trust: SiteTrust | None
) -> tuple[Verdict, str, tuple[str, ...], tuple[DoomedWraps, ...]]:
    """(verdict, node, words, what was destroyed); INVALID where nobody says which site is believed."""
    if trust is None:
        raise AppError(
            ErrorKind.INVALID,
            "to check a certificate of deletion, name the site by --home, or its authority by --authority.",
        )
    try:
        found = check_certificate(data, trust.verify_node)
    except AppError as error:
        return Verdict.ALTERED, "", (error.message,), ()
    words = tuple(certificate_in_words(data, trust))
    return Verdict.WHOLE, str(found.order.fields["node"]), words, found.order.wraps
