"""Protocol machines of the wire, sans I/O: RTSP, SDP and logins; RTP, RTCP and the codecs' payloads.

Facts in: none. Facts out: none.
Invariants: bytes in, values out; opens nothing; any bytes give values or `ProtocolError`, within bounds.
"""

# RTSP half
from civiscope.media.wire.auth import (
    BasicChallenge,
    Challenge,
    Credentials,
    DigestChallenge,
    basic_authorization,
    choose_challenge,
    digest_authorization,
    parse_authorization,
    parse_challenges,
    proof_is_right,
    write_challenge,
)
from civiscope.media.wire.client import ClientSession
from civiscope.media.wire.fields import (
    RtpInfo,
    RtpTransport,
    SessionField,
    TransportField,
    parse_rtp_info,
    parse_session,
    parse_transport,
)
from civiscope.media.wire.rtsp import (
    InterleavedFrame,
    Route,
    RoutedPacket,
    RtspHeaders,
    RtspMessage,
    RtspParser,
    RtspRequest,
    RtspResponse,
    write_interleaved,
    write_request,
    write_response,
)
from civiscope.media.wire.sdp import (
    MediaDescription,
    SessionDescription,
    parse_sdp,
    resolve_control,
    write_sdp,
)
from civiscope.media.wire.server import (
    METHODS,
    Delivery,
    Login,
    Manners,
    Mounts,
    Paused,
    Played,
    ServerEvent,
    ServerSession,
    ServerSettings,
    TornDown,
    check_path,
)
from civiscope.media.wire.session import (
    ClientEvent,
    ClientSettings,
    Described,
    Ended,
    EndReason,
    Packets,
    Playing,
    SessionTrack,
    UdpPortsNeeded,
    without_user_info,
)

# RTP half

__all__ = [
    # RTSP half
    "BasicChallenge", "Challenge", "Credentials", "DigestChallenge", "basic_authorization",
    "choose_challenge", "digest_authorization", "parse_authorization", "parse_challenges", "proof_is_right",
    "write_challenge",
    "ClientSession", "ClientEvent", "ClientSettings", "Described", "Ended", "EndReason", "Packets", "Playing",
    "SessionTrack", "UdpPortsNeeded", "without_user_info",
    "METHODS", "Delivery", "Login", "Manners", "Mounts", "Paused", "Played", "ServerEvent", "ServerSession",
    "ServerSettings", "TornDown", "check_path",
    "RtpInfo", "RtpTransport", "SessionField", "TransportField", "parse_rtp_info", "parse_session",
    "parse_transport",
    "InterleavedFrame", "RoutedPacket", "Route", "RtspHeaders", "RtspMessage", "RtspParser", "RtspRequest",
    "RtspResponse", "write_interleaved", "write_request", "write_response",
    "MediaDescription", "SessionDescription", "parse_sdp", "resolve_control", "write_sdp",
    # RTP half
]  # fmt: skip
