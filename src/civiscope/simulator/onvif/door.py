"""From an HTTP request to a device's answer: which device, which service, who asks, what is told."""

import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass

from civiscope.base import ProtocolError
from civiscope.simulator.onvif.calls import Call, Operation, Place, Service
from civiscope.simulator.onvif.device import SimulatedDevice
from civiscope.simulator.onvif.device_service import DEVICE_SERVICE
from civiscope.simulator.onvif.event_service import EVENT_SERVICE, SUBSCRIPTION
from civiscope.simulator.onvif.http import HttpRequest, HttpResponse
from civiscope.simulator.onvif.imaging_service import IMAGING_SERVICE
from civiscope.simulator.onvif.login import Access, UserLevel
from civiscope.simulator.onvif.media2_service import MEDIA2_SERVICE
from civiscope.simulator.onvif.media_service import MEDIA_SERVICE
from civiscope.simulator.onvif.ptz_service import PTZ_SERVICE
from civiscope.simulator.onvif.soap import (
    NAMESPACES,
    Node,
    SoapFault,
    SoapRequest,
    fault_node,
    node,
    parse_soap,
    write_envelope,
)
from civiscope.simulator.server import RtspServer

_PATH = re.compile(
    r"/onvif/(?:([1-9][0-9]{0,3})/)?(?:(device|media|media2|imaging|ptz|events)_service"
    r"|subscription/([0-9]{1,9})|snapshot/([a-z]+))"
)
_SERVICES: dict[str, tuple[frozenset[str], Service]] = {
    "device": (frozenset({"tds"}), DEVICE_SERVICE),
    "media": (frozenset({"trt"}), MEDIA_SERVICE),
    "media2": (frozenset({"tr2"}), MEDIA2_SERVICE),
    "imaging": (frozenset({"timg"}), IMAGING_SERVICE),
    "ptz": (frozenset({"tptz"}), PTZ_SERVICE),
    "events": (frozenset({"tev"}), EVENT_SERVICE),
    "subscription": (frozenset({"tev", "wsnt"}), SUBSCRIPTION),
}
_NOT_FOUND = HttpResponse(404, b"not found\n", "text/plain")


@dataclass(frozen=True, slots=True)
class Reached:
    """Which device and which part of it a path names."""

    device: SimulatedDevice
    number: int
    service: str
    """Key of the services; `snapshot` is a picture."""
    name: str = ""
    """Of a subscription or a profile."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer with the operation it belongs to; `device` None: nobody was there."""

    response: HttpResponse
    operation: str = ""
    device: SimulatedDevice | None = None


class Door:
    """Answers whole requests for a row of devices, numbered from 1; the first is at `/onvif/…` too."""

    def __init__(self, devices: Sequence[SimulatedDevice], streams: RtspServer) -> None:
        self._devices = devices
        self._streams = streams

    def reached(self, target: str) -> Reached | None:
        """What is at this path; None for nothing."""
        match = _PATH.fullmatch(target.partition("?")[0])
        if match is None or not 1 <= (number := int(match[1] or 1)) <= len(self._devices):
            return None
        device = self._devices[number - 1]
        if match[4]:
            return Reached(device, number, "snapshot", match[4])
        service = "subscription" if match[3] else match[2]
        traits = device.traits
        missing = {
            "media2": not traits.has_media2, "ptz": not traits.has_ptz, "imaging": not traits.has_imaging,
            "events": not traits.has_events, "subscription": not traits.has_events,
        }  # fmt: skip
        return None if missing.get(service) else Reached(device, number, service, match[3] or "")

    async def answer(self, request: HttpRequest, scheme: str, host: str, port: int) -> Answered:
        """The right answer, whatever is asked."""
        reached = self.reached(request.head.target)
        if reached is None:
            return Answered(_NOT_FOUND)
        if reached.service == "snapshot":
            return Answered(self._snapshot(request, reached), "snapshot", reached.device)
        if request.head.method != "POST":
            refusal = HttpResponse(405, b"SOAP is posted\n", "text/plain", (("Allow", "POST"),))
            return Answered(refusal, "", reached.device)
        place = Place(scheme, host, port, f"/onvif/{reached.number}")
        return await self._answer_soap(request, reached, place)

    def _snapshot(self, request: HttpRequest, reached: Reached) -> HttpResponse:
        device = reached.device
        if not device.snapshot or device.profile(reached.name) is None:
            return _NOT_FOUND
        if request.head.method != "GET":
            return HttpResponse(405, b"", "", (("Allow", "GET"),))
        if self._level(request, reached, None) is None:
            return HttpResponse(401, b"", "", (("WWW-Authenticate", device.doorkeeper.challenge()),))
        return HttpResponse(200, device.snapshot, "image/jpeg")

    async def _answer_soap(self, request: HttpRequest, reached: Reached, place: Place) -> Answered:
        device = reached.device
        try:
            soap = parse_soap(request.body)
        except ProtocolError as error:
            fault = SoapFault(str(error), "ter:WellFormed")
            return Answered(_faulty(fault), "", device)
        device.heard(soap.operation)
        try:
            operation = _operation(reached.service, soap)
            refusal = self._refusal(request, reached, soap, operation)
            if refusal is not None:
                return Answered(refusal, soap.operation, device)
            body = await self._told(Call(device, soap, place, self._streams, reached.name), operation)
        except SoapFault as fault:
            return Answered(_faulty(fault, soap), soap.operation, device)
        return Answered(HttpResponse(200, body), soap.operation, device)

    async def _told(self, call: Call, operation: Operation) -> bytes:
        device, name = call.device, call.request.operation
        if name in device.faults.soap_faults:
            raise SoapFault("refused on demand", device.faults.soap_faults[name])
        if device.replay is not None and name in device.replay.replies:
            return device.replay.replies[name]
        told = operation.answer(call)
        body = await told if inspect.isawaitable(told) else told
        assert isinstance(body, Node)
        return write_envelope([body], _addressing(call.request), device.faults.omits)

    # -- logins

    def _refusal(
        self, request: HttpRequest, reached: Reached, soap: SoapRequest, operation: Operation
    ) -> HttpResponse | None:
        """None lets it in. Without any proof: 401 and a challenge (ONVIF Core §5.9.1)."""
        if operation.access is Access.PRE_AUTH:
            return None
        level = self._level(request, reached, soap)
        if level is not None and operation.access.admits(level):
            return None
        fault = SoapFault("the action requires authorization", "ter:NotAuthorized")
        if level is None and ("authorization" in request.head.fields or soap.token is None):
            challenge = ("WWW-Authenticate", reached.device.doorkeeper.challenge())
            body = _faulty(fault, soap).body
            return HttpResponse(401, body, fields=(challenge,))
        return _faulty(fault, soap)

    def _level(self, request: HttpRequest, reached: Reached, soap: SoapRequest | None) -> UserLevel | None:
        """HTTP's proof counts before SOAP's (ONVIF Core §5.9.1)."""
        device, header = reached.device, request.head.fields.get("authorization", "")
        user = None
        if header:
            user = device.doorkeeper.by_header(
                header, request.head.method, request.head.target, device.accounts
            )
        elif soap is not None and soap.token is not None:
            user = device.doorkeeper.by_token(soap.token, device.accounts, device.now_us())
        return device.level_of(user)


def _operation(service: str, soap: SoapRequest) -> Operation:
    prefixes, table = _SERVICES[service]
    if soap.namespace not in {NAMESPACES[prefix] for prefix in prefixes} or soap.operation not in table:
        raise SoapFault("the device has no such operation here", "ter:ActionNotSupported", is_ours=True)
    return table[soap.operation]


def _faulty(fault: SoapFault, soap: SoapRequest | None = None) -> HttpResponse:
    header = () if soap is None else _addressing(soap)
    return HttpResponse(500 if fault.is_ours else 400, write_envelope([fault_node(fault)], header))


def _addressing(soap: SoapRequest) -> tuple[Node, ...]:
    """What WS-Addressing wants in an answer, when the request used it."""
    if not soap.message_id:
        return ()
    action = f"{soap.action or soap.operation}Response"
    if "Request" in soap.action:
        action = soap.action.replace("Request", "Response")
    return (node("wsa:Action", action), node("wsa:RelatesTo", soap.message_id))
