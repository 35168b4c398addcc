"""WHEP (draft-ietf-wish-whep, on the terms of RFC 9725): live pictures of a look over WebRTC.

An offer is answered at once and whole: nothing is trickled, so PATCH is 405; no STUN or TURN is named.
"""

import ipaddress
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from civiscope.api.calls import PREFIX, Call
from civiscope.api.errors import error_answer
from civiscope.api.faces import Faces
from civiscope.api.guard import Open, visitor_of
from civiscope.base import AppError, ErrorKind

SDP_TYPE = "application/sdp"


class WhepCalls:
    """Handlers of `/looks/{look_id}/whep`; the door of pictures is the look, as for the live socket."""

    def __init__(self, faces: Faces) -> None:
        self._faces = faces

    def calls(self) -> list[Call]:
        """The rows of the table."""
        return [
            Call(
                "POST",
                "/looks/{look_id}/whep",
                Open.SIGNED_IN,
                self.watch_by_whep,
                201,
                {201: "The answer; Location names the viewer.", 415: f"The offer is not {SDP_TYPE}."},
                raw=True,
            ),
            Call("GET", "/looks/{look_id}/whep/{peer_id}/sent", Open.SIGNED_IN, self.whep_sent),
            Call(
                "DELETE", "/looks/{look_id}/whep/{peer_id}", Open.SIGNED_IN, self.end_whep, 200,
                {200: "He is hung up on."}, raw=True,
            ),
        ]  # fmt: skip

    async def watch_by_whep(self, request: Request, look_id: UUID) -> Response:
        """Watch a live look over WebRTC: an SDP offer in, the answer out."""
        look = self._faces.looks.look(look_id, visitor_of(request).principal)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != SDP_TYPE:
            return error_answer(AppError(ErrorKind.INVALID, f"Send the SDP offer as {SDP_TYPE}."), 415)
        answer = await look.whep(_text(await request.body()), _own_address(_reached(request)))
        place = f"{PREFIX}/looks/{look_id}/whep/{answer.peer_id}"
        return Response(answer.sdp, 201, {"Location": place}, SDP_TYPE)

    async def whep_sent(self, request: Request, look_id: UUID, peer_id: UUID) -> dict[str, int]:
        """Which arrival the RTP timestamp of the picture sent last stands for: the age of what is seen."""
        sent = self._faces.looks.look(look_id, visitor_of(request).principal).whep_sent(peer_id)
        return {"rtp_timestamp": sent.rtp_timestamp, "arrival_us": sent.arrival_us}

    async def end_whep(self, request: Request, look_id: UUID, peer_id: UUID) -> Response:
        """Hang up on a WebRTC viewer of a look."""
        self._faces.looks.look(look_id, visitor_of(request).principal).end_whep(peer_id)
        return Response(status_code=200)


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise AppError(ErrorKind.INVALID, "The SDP offer is not UTF-8.") from None


def _reached(request: Request) -> str:
    """Our own end of the connection (ASGI: `server`)."""
    host, _ = request.scope.get("server") or ("", 0)
    return str(host)


def _own_address(host: str) -> str:
    """The address of this machine that the visitor has reached: WebRTC stands there, and nowhere else."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise AppError(
            ErrorKind.UNAVAILABLE, "WebRTC cannot tell where it was reached. Use the WebSocket."
        ) from None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
