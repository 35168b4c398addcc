"""What goes out of the audit, and the two forms in which it is taken away."""

import csv
import io
import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from civiscope.security import AuditFilter, Delivery, NodeHead, Outcome, ProvenEntry, ReceivedHead

LAST_SEQUENCE = (1 << 63) - 1
CSV_COLUMNS = (
    "sequence", "at_us", "at", "who", "principal_id", "what", "object", "why", "outcome", "from_where",
    "details",
)  # fmt: skip
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
Details = dict[str, object] | None
_Text = Annotated[str, Field(max_length=200)]
_Number = Annotated[int, Field(ge=0, le=LAST_SEQUENCE)]


class FilterQuery(BaseModel):
    """What entries must have; what is left out matches all."""

    model_config = ConfigDict(frozen=True)

    who: _Text = ""
    what: _Text = ""
    object: _Text = ""
    outcome: Outcome | None = None
    from_us: _Number | None = None
    to_us: _Number | None = None
    text: _Text = ""

    def wanted(self) -> AuditFilter:
        """As the audit takes it."""
        return AuditFilter(
            self.who, self.what, self.object, self.outcome, self.from_us, self.to_us, self.text
        )


class AuditQuery(FilterQuery):
    """One page of a search."""

    limit: Annotated[int, Field(ge=1, le=500)] = 100
    before: _Number | None = None


class ExportQuery(FilterQuery):
    """A search to take away."""

    format: Literal["jsonl", "csv"]


def entry_shape(proven: ProvenEntry) -> dict[str, object]:
    """One entry in a list."""
    recorded = proven.recorded
    return {
        "sequence": recorded.sequence,
        "at_us": recorded.at_us,
        "who": recorded.who,
        "what": recorded.what,
        "object": recorded.object,
        "why": recorded.why,
        "outcome": recorded.outcome,
        "from_where": recorded.from_where,
        "has_details": proven.has_details,
    }


def proven_shape(proven: ProvenEntry, details: Details) -> dict[str, object]:
    """One entry with its details and what proves it (docs/design/security.md, The audit chain)."""
    principal = proven.recorded.principal_id
    return {
        **entry_shape(proven),
        "principal_id": None if principal is None else str(principal),
        "details": details,
        "commitment": proven.recorded.commitment.hex(),
        "link": proven.link.hex(),
        "signature": proven.signature.hex(),
    }


def json_line(fields: dict[str, object]) -> str:
    """One line of an export."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")) + "\n"


def csv_line(cells: tuple[object, ...]) -> str:
    """One line for a table calculator, in which no cell is a formula (OWASP, CSV injection)."""
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(
        [_harmless(cell) for cell in cells]
    )
    return line.getvalue()


def csv_cells(proven: ProvenEntry, at: str, details: Details) -> tuple[object, ...]:
    """The cells of one entry, as `CSV_COLUMNS` names them; `at` is the time in UTC for people."""
    one = proven.recorded
    return (
        one.sequence, one.at_us, at, one.who, one.principal_id or "", one.what, one.object, one.why,
        one.outcome.value, one.from_where, "" if details is None else json.dumps(details, ensure_ascii=False),
    )  # fmt: skip


def head_shape(head: NodeHead | None) -> dict[str, object] | None:
    """A node head as it is signed."""
    if head is None:
        return None
    shape: dict[str, object] = json.loads(head.to_json())
    return shape


def delivery_shape(delivery: Delivery) -> dict[str, object]:
    """One attempt."""
    return {
        "at_us": delivery.at_us, "to": delivery.target, "ok": delivery.is_done, "why": delivery.why,
        "head_us": delivery.head_us,
    }  # fmt: skip


def received_shape(received: ReceivedHead) -> dict[str, object]:
    """One head of another node."""
    return {
        "received_us": received.received_us,
        "from_where": received.from_where,
        "head": head_shape(received.head),
    }


def _harmless(cell: object) -> str:
    text = str(cell)
    return "'" + text if text.startswith(_FORMULA_STARTS) else text
