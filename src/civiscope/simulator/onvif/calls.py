"""One request at one device, and how services answer: tables of operations with their access class."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from civiscope.simulator.onvif.device import Profile, SimulatedDevice
from civiscope.simulator.onvif.login import Access, parse_time_us
from civiscope.simulator.onvif.soap import Node, SoapRequest, invalid, qualified
from civiscope.simulator.server import RtspServer

_DURATION = re.compile(
    r"(-)?P(?:([0-9]{1,6})D)?(?:T(?:([0-9]{1,6})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,9}(?:\.[0-9]{1,9})?)S)?)?"
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request reached the device."""

    scheme: str
    host: str
    """The address of our end of the connection."""
    port: int
    path: str
    """Of the device: `/onvif/1`."""

    def url(self, path: str, host: str = "") -> str:
        """An address below the device's path; another host only when told to lie."""
        told = host or self.host
        return f"{self.scheme}://{f'[{told}]' if ':' in told else told}:{self.port}{self.path}/{path}"


@dataclass(frozen=True, slots=True)
class Call:
    """One request, its asker already admitted."""

    device: SimulatedDevice
    request: SoapRequest
    place: Place
    streams: RtspServer
    subscription: str = ""
    """Of requests to a pull point: its name."""

    @property
    def body(self) -> Element:
        """The operation's element."""
        return self.request.body

    def find(self, *names: str) -> Element | None:
        """The element at this path below the body, each name with its prefix."""
        return self.body.find("/".join(qualified(name) for name in names))

    def text(self, *names: str) -> str:
        """What stands there, without blanks; empty when it is missing."""
        found = self.find(*names)
        return "" if found is None or found.text is None else found.text.strip()

    def service(self, name: str) -> str:
        """The address of one of the device's services, as it tells it."""
        return self.place.url(name, self.device.faults.xaddr_host)

    def profile(self, name: str) -> Profile:
        """The profile whose token stands there; a fault for an unknown one."""
        found = self.device.profile(self.text(name))
        if found is None:
            raise invalid("there is no such profile", "ter:NoProfile")
        return found


Answer = Callable[[Call], Node | Awaitable[Node]]


@dataclass(frozen=True, slots=True)
class Operation:
    """How one operation is answered, and who may ask it."""

    access: Access
    answer: Answer


Service = Mapping[str, Operation]
"""Operation name → how it is answered."""


def number(text: str, what: str) -> float:
    """A finite number; a fault that names what else it was."""
    try:
        found = float(text)
    except ValueError:
        found = float("nan")
    if not abs(found) < 1e12:
        raise invalid(f"{what} is no number", "ter:InvalidArgs")
    return found


def duration_us(text: str) -> int | None:
    """An xs:duration of days and less; None when it is none."""
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()[1:]):
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups()[1:])
    total = round((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000_000)
    return -total if match[1] else total


def life_us(text: str, now_us: int, default_us: int) -> int:
    """How long from now: an xs:duration, or an xs:dateTime by the device's clock; a fault for neither."""
    if not text:
        return default_us
    found = duration_us(text)
    if found is not None:
        return found
    ends_us = parse_time_us(text)
    if ends_us is None:
        raise invalid("the termination time cannot be read", "ter:InvalidTerminationTime")
    return ends_us - now_us


def truth(flag: bool) -> str:
    """xs:boolean."""
    return "true" if flag else "false"
