"""What a simulated ONVIF device does wrong on demand: each field is a fault of real devices."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class BodyFault(StrEnum):
    """What stands in a reply where SOAP should."""

    NONE = "none"
    HTML = "html"
    """The device's own sign-in page."""
    EMPTY = "empty"
    TRUNCATED = "truncated"
    """The first half of the right answer, with a length that fits it."""
    CUT = "cut"
    """The first half; then the connection is closed before the announced length is reached."""
    BILLION_LAUGHS = "billion_laughs"
    """A document type whose entities grow to gigabytes."""
    HUGE = "huge"
    """Ten mebibytes of well-formed XML."""
    DRIP = "drip"
    """A byte every half second, for ever."""
    GARBAGE = "garbage"
    """Bytes that are no text."""


class EncoderFault(StrEnum):
    """What becomes of new encoder settings."""

    NONE = "none"
    """What is offered is taken; rates beside an offered one are rounded to it."""
    IGNORES = "ignores"
    """Answers well and changes nothing."""
    REFUSES = "refuses"
    """ter:ConfigModify, whatever is asked."""
    HALVES_FPS = "halves_fps"
    """Takes everything but gives half the pictures per second."""


@dataclass(frozen=True, slots=True)
class OnvifFaults:
    """No fault by default. Give a device a new value at any time; it holds from the next request."""

    only: frozenset[str] = frozenset()
    """Operations whose replies are wrong as a whole (status to `closes` below); empty: all. A picture is
    `snapshot`."""
    status: int = 0
    """Replies with this HTTP status and a page; 0 is none."""
    body: BodyFault = BodyFault.NONE
    content_type: str = ""
    """Told in place of application/soap+xml."""
    redirects_to: str = ""
    """307 to this address."""
    hangs: bool = False
    """Takes the request and never answers."""
    closes: bool = False
    """Takes the request and closes the connection."""
    xaddr_host: str = ""
    """Told as host of all service addresses, `0.0.0.0` for instance."""
    omits: frozenset[str] = frozenset()
    """Local names of elements that are missing in every answer."""
    clock_offset_us: int = 0
    """How far the device's clock is ahead, besides what was set."""
    refuses_login: bool = False
    """No password is right."""
    soap_faults: Mapping[str, str] = field(default_factory=dict)
    """Operation → subcode it is refused with, `ter:ActionNotSupported` for instance."""
    media2_is_broken: bool = False
    """Announced; every call of it ends with an inner error."""
    stream_has_user_info: bool = False
    """A name and password stand in stream addresses."""
    stream_host: str = ""
    """Told as host of stream addresses."""
    snapshot_host: str = ""
    """Told as host of snapshot addresses."""
    pull_point_dies_after: int = 0
    """After so many pulls a subscription is unknown; 0 is never."""
    encoder: EncoderFault = EncoderFault.NONE


FLAWLESS = OnvifFaults()
