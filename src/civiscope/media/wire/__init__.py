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
from civiscope.media.wire.http import HttpBody, HttpEnd, HttpEvent, HttpHead, HttpParser
from civiscope.media.wire.multipart import MultipartParser, boundary_of
from civiscope.media.wire.pictures import (
    ConnectionNeeded,
    HttpPicture,
    PictureClient,
    PictureEvent,
    PictureUnchanged,
)
from civiscope.media.wire.prover import Prover, Verdict
from civiscope.media.wire.rtsp import (
    DOLLAR,
    FrameTaker,
    InterleavedFrame,
    Route,
    RoutedPacket,
    RtspHeaders,
    RtspMessage,
    RtspParser,
    RtspRequest,
    RtspResponse,
    read_frame_head,
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

# isort: split
# RTP half
from civiscope.media.wire.aac import (
    AudioSpecificConfig,
    parse_audio_specific_config,
    write_audio_specific_config,
)
from civiscope.media.wire.depacketizer import CodecConfig, Depacketizer, RawUnit
from civiscope.media.wire.h264_sets import H264Sps, parse_h264_sps
from civiscope.media.wire.h265_sets import H265Sps, parse_h265_sps
from civiscope.media.wire.jpeg import JpegPicture, jpeg_size, parse_jpeg, write_jpeg
from civiscope.media.wire.nal import iterate_nals, join_nals, split_annexb
from civiscope.media.wire.packetizer import (
    Packetizer,
    h264_aggregate,
    h265_aggregate,
    packetizer_for,
)
from civiscope.media.wire.payload import clock_rate_hz, depacketizer_for
from civiscope.media.wire.receiver import Arrival, ReceiverCounts, RtpReceiver, TimedUnit
from civiscope.media.wire.rtcp import (
    Bye,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    ntp_to_us,
    parse_rtcp,
    us_to_ntp,
    write_bye,
    write_receiver_report,
    write_sender_report,
)
from civiscope.media.wire.rtp import RtpPacket, parse_rtp, write_rtp
from civiscope.media.wire.unit_clock import RunOrigin, UnitClock

__all__ = [
    # RTSP half
    "BasicChallenge", "Challenge", "Credentials", "DigestChallenge", "basic_authorization",
    "choose_challenge", "digest_authorization", "parse_authorization", "parse_challenges", "proof_is_right",
    "write_challenge", "Prover", "Verdict",
    "ClientSession", "ClientEvent", "ClientSettings", "Described", "Ended", "EndReason", "Packets", "Playing",
    "SessionTrack", "UdpPortsNeeded", "without_user_info",
    "METHODS", "Delivery", "Login", "Manners", "Mounts", "Paused", "Played", "ServerEvent", "ServerSession",
    "ServerSettings", "TornDown", "check_path",
    "RtpInfo", "RtpTransport", "SessionField", "TransportField", "parse_rtp_info", "parse_session",
    "parse_transport",
    "DOLLAR", "FrameTaker", "read_frame_head",
    "InterleavedFrame", "RoutedPacket", "Route", "RtspHeaders", "RtspMessage", "RtspParser", "RtspRequest",
    "RtspResponse", "write_interleaved", "write_request", "write_response",
    "MediaDescription", "SessionDescription", "parse_sdp", "resolve_control", "write_sdp",
    "HttpBody", "HttpEnd", "HttpEvent", "HttpHead", "HttpParser", "MultipartParser", "boundary_of",
    "ConnectionNeeded", "HttpPicture", "PictureClient", "PictureEvent", "PictureUnchanged",
    # RTP half
    "AudioSpecificConfig", "parse_audio_specific_config", "write_audio_specific_config",
    "CodecConfig", "Depacketizer", "RawUnit", "clock_rate_hz", "depacketizer_for",
    "H264Sps", "parse_h264_sps", "H265Sps", "parse_h265_sps", "JpegPicture", "jpeg_size",
    "parse_jpeg", "write_jpeg",
    "iterate_nals", "join_nals", "split_annexb",
    "Packetizer", "h264_aggregate", "h265_aggregate", "packetizer_for",
    "Arrival", "ReceiverCounts", "RtpReceiver", "TimedUnit", "RunOrigin", "UnitClock",
    "Bye", "ReceiverReport", "ReportBlock", "RtcpPacket", "SenderReport", "SourceDescription", "ntp_to_us",
    "parse_rtcp", "us_to_ntp", "write_bye", "write_receiver_report", "write_sender_report",
    "RtpPacket", "parse_rtp", "write_rtp",
]  # fmt: skip
