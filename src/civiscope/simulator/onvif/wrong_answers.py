"""Right answers made wrong, as the faults of a device say; nothing is made wrong by itself."""

from dataclasses import replace

from civiscope.simulator.onvif.faults import BodyFault, OnvifFaults
from civiscope.simulator.onvif.http import HttpResponse

_HTML = b"<!DOCTYPE html><html><head><title>Web Viewer</title></head><body><form>Sign in</form></body></html>"
HUGE_BYTES = 10 * 1024 * 1024


def touches(faults: OnvifFaults, operation: str) -> bool:
    """Faults of the reply as a whole hold for this operation."""
    return not faults.only or operation in faults.only


def spoilt(right: HttpResponse, faults: OnvifFaults) -> HttpResponse:
    """The answer with the faults seen in its bytes; those of the connection are played by the server."""
    if faults.redirects_to:
        return HttpResponse(307, b"", "", (("Location", faults.redirects_to),))
    if faults.status:
        return HttpResponse(faults.status, _HTML, "text/html")
    found = right
    if faults.body is BodyFault.HTML:
        found = HttpResponse(200, _HTML, "text/html")
    elif faults.body is not BodyFault.NONE:
        found = replace(right, body=_bad_body(right.body, faults.body))
    return replace(found, content_type=faults.content_type) if faults.content_type else found


def _bad_body(body: bytes, fault: BodyFault) -> bytes:
    if fault is BodyFault.EMPTY:
        return b""
    if fault is BodyFault.TRUNCATED:
        return body[: len(body) // 2]
    if fault is BodyFault.BILLION_LAUGHS:
        return billion_laughs()
    if fault is BodyFault.HUGE:
        head, found, tail = body.partition(b"<env:Body>")
        return head + b"<!--" + b"x" * (HUGE_BYTES - len(body)) + b"-->" + found + tail
    if fault is BodyFault.GARBAGE:
        return bytes(range(256)) * 4
    return body


def billion_laughs() -> bytes:
    """A few hundred bytes that an unwary reader makes gigabytes of."""
    entities = ['<!ENTITY a0 "ha ha ha ha">']
    entities += [f'<!ENTITY a{step} "{f"&a{step - 1};" * 10}">' for step in range(1, 10)]
    envelope = (
        '<env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope">'
        "<env:Body>&a9;</env:Body></env:Envelope>"
    )
    return f'<?xml version="1.0"?><!DOCTYPE laughs [{"".join(entities)}]>{envelope}'.encode()
