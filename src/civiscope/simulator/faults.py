"""What a simulated camera does wrong on demand: each field is a fault seen at real cameras or cables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from civiscope.media.wire import Manners


class SdpLie(StrEnum):
    """How a description differs from what is sent."""

    NONE = "none"
    WRONG_PARAMETER_SETS = "wrong_parameter_sets"
    """sprop of another size of picture."""
    NO_PARAMETER_SETS = "no_parameter_sets"
    WRONG_PAYLOAD_TYPE = "wrong_payload_type"
    """The number announced is not the number sent."""


@dataclass(frozen=True, slots=True)
class Faults:
    """No fault by default. Give a camera a new value at any time; it holds from the next packet."""

    aborts_connections: bool = False
    """The connection is reset as soon as this mount is asked for."""
    closes_after_us: int | None = None
    """Closes the connection so long after PLAY."""
    is_stalled: bool = False
    """Sends nothing while time goes on: what falls in between is lost."""
    is_frozen: bool = False
    """The encoder hangs; afterwards it goes on with the next picture, its clock having run on."""
    drops_every: int = 0
    """Every n-th packet is lost, its sequence number spent; 0 is none."""
    swaps_every: int = 0
    """Every n-th packet changes places with the next one of the same unit."""
    has_wrong_ssrc: bool = False
    """Packets come from another source than announced."""
    jump_us: int = 0
    """Added to all media times: set it midway for a jump."""
    wraps_after_us: int | None = None
    """RTP timestamps pass 2³² so long after the camera's time 0; None: whenever. Set it at the start."""
    garbage_bytes: int = 0
    """Bytes that belong to nothing after every unit (TCP only)."""
    drops_key_units: bool = False
    """No key unit is sent."""
    sdp: SdpLie = SdpLie.NONE
    lies_in_rtp_info: bool = False
    tells_rtp_info: bool = True
    sends_reports: bool = True
    """RTCP sender reports every five seconds and at once after PLAY."""
    skew_ppm: int = 0
    """How much faster the camera's clock runs than ours."""
    clock_offset_us: int = 0
    """How far the camera's wall clock is ahead."""
    forgets_session: bool = False
    """454 to everything within a session."""
    nonce_uses: int = 0
    """A nonce is stale after so many requests; 0 is never."""
    refuses_tcp: bool = False
    """461 to interleaved."""
    refusals: Mapping[str, int] = field(default_factory=dict)
    """Method → the status it is answered with, before any login."""
    location: str = ""
    """Where a refusal of 3xx points to."""

    @property
    def manners(self) -> Manners:
        """The part that the RTSP session plays."""
        return Manners(
            self.refusals, self.nonce_uses, self.forgets_session, self.refuses_tcp, self.location
        )  # fmt: skip

    @property
    def touches_packets(self) -> bool:
        """Units must be sent packet by packet."""
        return bool(self.drops_every or self.swaps_every or self.has_wrong_ssrc or self.garbage_bytes)


FAULTLESS = Faults()
