"""The accuracy section of `docs/scoreboard.md`: put between its marks, whatever else the page says."""

from pathlib import Path

from civiscope.base import AppError, ErrorKind
from civiscope.evaluation.formats import read_text

BEGIN = "<!-- accuracy: written by `civiscope eval suite` -->"
END = "<!-- end of accuracy -->"
_HEADING = "## How right it sees"


def accuracy_section(page: str) -> str:
    """The section with its marks, as it stands in a page; empty if it has none."""
    begin, end = page.find(BEGIN), page.find(END)
    return page[begin : end + len(END)] if 0 <= begin < end else ""


def with_accuracy(page: str, table: str) -> str:
    """The page with this table as its accuracy section; at the end, if it had none."""
    section = f"{BEGIN}\n{_HEADING}\n\n{table.strip()}\n{END}"
    before = accuracy_section(page)
    return page.replace(before, section) if before else f"{page.rstrip()}\n\n{section}\n"


def write_accuracy(path: Path, table: str) -> None:
    """Replace the section in the file; AppError when it cannot be written."""
    page = read_text(path) if path.exists() else "# Scoreboard\n"
    try:
        path.write_text(with_accuracy(page, table), encoding="utf-8")
    except OSError as error:
        raise AppError(ErrorKind.UNAVAILABLE, f"{path} cannot be written: {error.strerror}.") from error
