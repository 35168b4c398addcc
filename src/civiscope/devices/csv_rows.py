"""Many devices from one table: RFC 4180 text in, one draft or one plain problem for each line out.

A cell is data, whatever it looks like: one that begins with `=` is a name that begins with `=`.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from civiscope.base import AppError, ErrorKind
from civiscope.devices.address import parse_address
from civiscope.devices.checked import check_channel
from civiscope.devices.equipment import FoundDevice
from civiscope.devices.model import ChannelDraft, DeviceDraft, Transport
from civiscope.security import Secret

CSV_LIMIT_CHARS = 64 * 1024
CSV_ROW_LIMIT = 500
COLUMNS = (
    "name", "address", "username", "password", "place", "latitude", "longitude", "purpose", "group",
    "transport", "audio", "driver",
)  # fmt: skip
_NEEDED = ("name", "address")
_FOUND_COLUMNS = ("name", "address", "username", "password", "place")
_FOUND_NAME_CHARS = 60
_FORMULA = "=+-@'\t "
"""What a device calls itself shall not be a formula in anybody's spreadsheet."""
_YES = frozenset({"yes", "true", "1", "on"})
_NO = frozenset({"", "no", "false", "0", "off"})
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One line of the table: a draft with one channel, or the problem; never both."""

    line: int
    """As an editor counts, from 1 with the header."""
    draft: DeviceDraft | None = None
    group: str = ""
    """Name or path of its group; looked up by whoever adds it."""
    problem: str | None = None

    @property
    def channel(self) -> ChannelDraft:
        """Of a row without a problem."""
        assert self.draft is not None  # asked only of rows without a problem
        return self.draft.channels[0]


def read_csv(text: str) -> list[CsvRow]:
    """Every line with something in it; INVALID when the table as a whole cannot be read."""
    if len(text) > CSV_LIMIT_CHARS:
        raise _refuse(f"The table is longer than {CSV_LIMIT_CHARS} characters. Cut it in two.")
    text = text.removeprefix(_BYTE_ORDER_MARK)
    header = text.lstrip("\r\n").partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns: list[str] | None = None
    rows: list[CsvRow] = []
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if columns is None:
                    columns = _columns(cells)
                else:
                    rows.append(_row(line, columns, cells))
            line = reader.line_num + 1
    except csv.Error:
        raise _refuse(
            f"The table cannot be read from line {line} on: a quotation mark is not closed, or stands in the "
            'middle of a cell. Write "" for one within a quoted cell.'
        ) from None
    if columns is None:
        raise _refuse(f"The table is empty. Its first line names the columns: {', '.join(COLUMNS)}.")
    if len(rows) > CSV_ROW_LIMIT:
        raise _refuse(f"The table has {len(rows)} lines, at most {CSV_ROW_LIMIT} fit. Cut it in two.")
    return _without_twins(rows)


def table_of(found: Sequence[FoundDevice]) -> str:
    """A table for `read_csv` of what discovery found: one line for each device, no two of one name."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_FOUND_COLUMNS)
    taken: set[str] = set()
    for device in found:
        if device.addresses:
            address = device.addresses[0]
            told = " ".join(f"{device.maker} {device.name}".split()).lstrip(_FORMULA)[:_FOUND_NAME_CHARS]
            name = base = told.strip() or urlsplit(address).hostname or "Camera"
            number = 1
            while name in taken:
                number += 1
                name = f"{base} {number}"
            taken.add(name)
            writer.writerow([name, address] + [""] * (len(_FOUND_COLUMNS) - 2))
    return out.getvalue()


def _columns(cells: list[str]) -> list[str]:
    columns = [cell.strip().lower() for cell in cells]
    unknown = [one for one in columns if one not in COLUMNS]
    if unknown or len(set(columns)) != len(columns):
        raise _refuse(
            f"The first line must name columns of these, each once: {', '.join(COLUMNS)}. "
            f"Column {columns.index(unknown[0]) + 1 if unknown else _twin(columns)} is another."
        )
    missing = [one for one in _NEEDED if one not in columns]
    if missing:
        raise _refuse(f"The table has no column {' and '.join(missing)}. Name it in the first line.")
    return columns


def _twin(columns: list[str]) -> int:
    return next(at for at, name in enumerate(columns) if name in columns[:at]) + 1


def _row(line: int, columns: list[str], cells: list[str]) -> CsvRow:
    if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
        problem = f"The line has {len(cells)} cells, the first line names {len(columns)}."
        return CsvRow(line, problem=f"{problem} Put a cell with a comma into quotation marks.")
    values = dict(zip(columns, cells, strict=False))
    try:
        return CsvRow(line, _draft(values), values.get("group", "").strip())
    except AppError as error:
        return CsvRow(line, problem=error.message)


def _draft(values: Mapping[str, str]) -> DeviceDraft:
    def cell(name: str) -> str:
        return values.get(name, "").strip()

    password = values.get("password", "")  # not trimmed: a space may belong to it
    parse_address(cell("address"))
    if password and not cell("username") and "@" not in cell("address"):
        raise _refuse("There is a password but no user name. Type both, or neither.")
    channel = ChannelDraft(
        name=cell("name"),
        place=cell("place"),
        latitude=_degrees(cell("latitude"), "latitude"),
        longitude=_degrees(cell("longitude"), "longitude"),
        purpose=cell("purpose") or None,
        audio=_answer(cell("audio")),
    )
    return DeviceDraft(
        address=cell("address"),
        driver=cell("driver").lower() or None,
        username=cell("username") or None,
        password=Secret(password) if password else None,
        transport=_transport(cell("transport")),
        channels=(check_channel(channel),),
    )


def _degrees(text: str, what: str) -> float | None:
    if not text:
        return None
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise _refuse(f"The {what} is no number. Write degrees like 42.4977.") from None


def _answer(text: str) -> bool:
    if text.lower() in _YES | _NO:
        return text.lower() in _YES
    raise _refuse("The column audio takes yes or no.")


def _transport(text: str) -> Transport:
    try:
        return Transport(text.lower() or "auto")
    except ValueError:
        raise _refuse("The column transport takes auto, tcp or udp.") from None


def _without_twins(rows: list[CsvRow]) -> list[CsvRow]:
    """The second line of the same address is a problem of that line."""
    first: dict[str, int] = {}
    kept: list[CsvRow] = []
    for row in rows:
        if row.draft is not None:
            url = parse_address(row.draft.address).address.url
            if url in first:
                kept.append(CsvRow(row.line, problem=f"The address stands in line {first[url]} already."))
                continue
            first[url] = row.line
        kept.append(row)
    return kept


def _refuse(message: str) -> AppError:
    return AppError(ErrorKind.INVALID, message)
