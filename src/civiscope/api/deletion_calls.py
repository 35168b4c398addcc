"""Deletions on record: what was destroyed, why and when, and a signed certificate of each."""

from typing import Annotated

from fastapi import Path, Query
from starlette.responses import Response

from civiscope.api.calls import Call
from civiscope.api.deletion_ports import Deletions
from civiscope.recording import Deletion
from civiscope.security import Permission

_LAST_SEQUENCE = 2**62


class DeletionCalls:
    """Handlers of `/deletions`."""

    def __init__(self, deletions: Deletions) -> None:
        self._deletions = deletions

    def calls(self) -> list[Call]:
        """The rows of the table."""
        read, refused = Permission.PRIVACY_READ, {404: "No such deletion.", 409: "Not finished."}
        return [
            Call("GET", "/deletions", read, self.deletions),
            Call(
                "GET", "/deletions/{sequence}/certificate", read, self.deletion_certificate, 200, refused,
                raw=True,
            ),
        ]  # fmt: skip

    async def deletions(
        self,
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
        before: Annotated[int | None, Query(ge=1, le=_LAST_SEQUENCE)] = None,
    ) -> dict[str, object]:
        """Runs of retention that destroyed keys, newest first."""
        found = await self._deletions.page(limit, before)
        following = found[-1].order.sequence if len(found) == limit else None
        return {"deletions": [_shape(one) for one in found], "next": following}

    async def deletion_certificate(self, sequence: Annotated[int, Path(ge=1, le=_LAST_SEQUENCE)]) -> Response:
        """The certificate as a file: `civiscope deletions verify` reads it, on any machine."""
        data = await self._deletions.certificate(sequence)
        name = f"deletion-{sequence}.json"
        return Response(
            data,
            media_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def _shape(one: Deletion) -> dict[str, object]:
    wraps = one.order.wraps
    spans = [span for each in wraps for span in each.spans]
    return {
        "sequence": one.order.sequence, "ordered_us": one.order.at_us,
        "done_us": None if one.done is None else one.done.at_us, "reason": one.order.fields["reason"],
        "policy": one.order.fields["policy"], "volume": one.order.fields["volume"],
        "streams": sorted({str(each.stream_id) for each in wraps}), "keys": len(wraps),
        "kept_for_cases": sum(1 for each in wraps if each.kept_for),
        "from_us": min((start for start, _ in spans), default=None),
        "to_us": max((end for _, end in spans), default=None),
    }  # fmt: skip
