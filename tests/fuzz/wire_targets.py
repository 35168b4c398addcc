"""What cameras and clients send: RTSP, SDP, logins, RTP, RTCP, parameter sets, JPEG, AAC."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from tests.fuzz.target import REFUSED, Target
from tests.media.wire.rtp_values import (
    PPS_264,
    PPS_265,
    SPS_264,
    SPS_265,
    VPS_265,
    packetizer,
    receiver,
    slice_264,
    slice_265,
)
from tests.media.wire.test_sessions import ADMIN, URL, Shelf

from civiscope.base import ProtocolError
from civiscope.media import Codec, TrackConfig
from civiscope.media.mp4 import init_segment, mse_type
from civiscope.media.wire import (
    Arrival,
    BasicChallenge,
    ClientSession,
    ClientSettings,
    DigestChallenge,
    HttpPicture,
    JpegPicture,
    Login,
    PictureClient,
    ReceiverReport,
    ReportBlock,
    RtpTransport,
    RtspParser,
    SenderReport,
    ServerSession,
    ServerSettings,
    TimedUnit,
    UdpPortsNeeded,
    choose_challenge,
    clock_rate_hz,
    depacketizer_for,
    digest_authorization,
    iterate_nals,
    join_nals,
    jpeg_size,
    parse_audio_specific_config,
    parse_authorization,
    parse_challenges,
    parse_h264_sps,
    parse_h265_sps,
    parse_jpeg,
    parse_rtcp,
    parse_rtp,
    parse_rtp_info,
    parse_sdp,
    parse_session,
    parse_transport,
    resolve_control,
    split_annexb,
    write_audio_specific_config,
    write_bye,
    write_challenge,
    write_interleaved,
    write_jpeg,
    write_receiver_report,
    write_sdp,
    write_sender_report,
)

CAPTURES = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "rtsp"


def captures(kind: str = "") -> list[bytes]:
    """What real cameras said, where the captures are on this machine."""
    paths = sorted(CAPTURES.glob(f"*{kind}*")) if CAPTURES.is_dir() else []
    return [path.read_bytes()[:65_536] for path in paths if path.is_file()]


def pieces(data: bytes, mark: bytes) -> Iterator[bytes]:
    """The data, cut before each mark."""
    at = 0
    while at < len(data):
        end = data.find(mark, at + 1)
        end = len(data) if end < 0 else end
        yield data[at:end]
        at = end


@cache
def dialogues(from_server: bool) -> tuple[bytes, ...]:
    """What one side says in whole sessions, with every kind of login and carrier."""
    said: list[bytes] = []
    for login in Login:
        for transport in RtpTransport:
            client = ClientSession(ClientSettings(URL, ADMIN, transport))
            server = ServerSession(ServerSettings((ADMIN,), login, udp_ports=(6256, 6257)), Shelf(), "seed")
            client.start(0)
            heard, asked = bytearray(), bytearray()
            for turn in range(20):
                words = client.outgoing()
                asked += words
                server.receive(words, turn)
                answer = server.outgoing()
                heard += answer
                for event in client.receive(answer, turn):
                    if isinstance(event, UdpPortsNeeded):
                        client.give_udp_port(event.track, 40_000 + 2 * event.track, turn)
            for number in range(4):
                heard += write_interleaved(number, bytes(20 + number))
            client.stop(30)
            asked += client.outgoing()
            said.append(bytes(heard if from_server else asked))
    return tuple(said)


def read_as_client(data: bytes) -> None:
    """A whole client session, answered with these bytes, TCP and UDP; whatever comes, it raises nothing."""
    for transport in RtpTransport:
        session = ClientSession(ClientSettings(URL, ADMIN, transport))
        session.start(0)
        session.outgoing()
        for turn, piece in enumerate(pieces(data, b"RTSP/1.0")):
            for event in session.receive(piece, turn):
                if isinstance(event, UdpPortsNeeded) and not session.is_ended:
                    session.give_udp_port(event.track, 40_000, turn)
            session.outgoing()
        session.tick(10**12)
        session.stop(10**12)
        assert len(session.outgoing()) < 1 << 20


def read_as_server(data: bytes) -> None:
    """One connection of the simulated camera."""
    for users in ((), (ADMIN,)):
        session = ServerSession(ServerSettings(users, udp_ports=(6256, 6257)), Shelf(), "seed")
        rng = random.Random(len(data))
        at = turn = 0
        while at < len(data):
            size = rng.choice((7, 300, 5000))
            session.receive(data[at : at + size], turn)
            at, turn = at + size, turn + 1
            session.outgoing()


def read_rtsp(data: bytes) -> None:
    """Plain and routed parser, whole and in cuts."""
    RtspParser().feed(data)
    parser = RtspParser()
    for at in range(0, len(data), 61):
        parser.feed(data[at : at + 61])


def read_sdp(data: bytes) -> None:
    """A description, and all that is derived from it."""
    description = parse_sdp(data)
    write_sdp(description)
    for track in description.tracks:
        resolve_control(URL, track.control)
        clock_rate_hz(track)
        if track.codec is not None:
            reader = depacketizer_for(track)
            with suppress(ProtocolError):
                reader.push(memoryview(b"\x65\x88abc"), 0, True, False)
            reader.flush()


def sdp_seeds() -> Sequence[bytes]:
    """Ours, and those of real cameras."""
    ours = [write_sdp(description) for description in (Shelf().describe("main"),) if description]
    aac = b"m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/16000/1\r\na=fmtp:97 streamtype=5;"
    aac += b"profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1408\r\n"
    video = b"v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:trackID=1\r\na=fmtp:96 "
    video += b"packetization-mode=1; sprop-parameter-sets=Z00AH5WoFAFuQA==,aO48gA==\r\n"
    found = [reply.partition(b"\r\n\r\n")[2] or reply for reply in captures("describe") + captures("sdp")]
    return [*ours, video + aac, *filter(None, found)]


def read_logins(data: bytes) -> None:
    """Challenges and authorizations; an answer is worked out to each."""
    text = data.decode("latin-1")
    chosen = choose_challenge(parse_challenges(text.split("\n")))
    if isinstance(chosen, DigestChallenge):
        digest_authorization(chosen, ADMIN, "DESCRIBE", URL, 1, "abc")
    parse_authorization(text)


def login_seeds() -> Sequence[bytes]:
    """What `write_challenge` and `digest_authorization` write."""
    challenges: list[DigestChallenge] = [
        DigestChallenge("cam", "abc123", algorithm, qop, "opaque" if qop else None)
        for algorithm in ("", "MD5", "SHA-256", "MD5-sess")
        for qop in ("", "auth", "auth,auth-int")
    ]
    lines = [write_challenge(one) for one in challenges]
    lines.append(write_challenge(BasicChallenge("cam")))
    answers = [digest_authorization(one, ADMIN, "DESCRIBE", URL, 1, "0a4f") for one in challenges]
    return [line.encode("latin-1") for line in (*lines, *answers, "\n".join(lines))]


def read_fields(data: bytes) -> None:
    """Header values of RTSP; each must be refused for itself."""
    text = data.decode("utf-8", "replace")
    for read in (parse_transport, parse_session, parse_rtp_info):
        with suppress(*REFUSED):
            read(text)


def units_of(codec: Codec) -> list[bytes]:
    """Access units of a codec, small and large enough for every way to put them into packets."""
    rng = random.Random(11)
    match codec:
        case Codec.H264:
            big = slice_264(key=True, body=rng.randbytes(5000))
            return [join_nals([SPS_264, PPS_264, b"\x06\x05\x01\x00", big]), join_nals([slice_264()])]
        case Codec.H265:
            big = slice_265(key=True, body=rng.randbytes(5000))
            return [join_nals([VPS_265, SPS_265, PPS_265, big]), join_nals([slice_265()])]
        case Codec.MJPEG:
            return [
                write_jpeg(JpegPicture(64, 48, kind, restart, bytes(range(1, 129)), rng.randbytes(size)))
                for kind, restart, size in ((0, 0, 90), (1, 4, 4000))
            ]
        case _:
            return [rng.randbytes(160), rng.randbytes(900 if codec is Codec.AAC else 180)]


def packets_of(codec: Codec) -> Sequence[bytes]:
    """Runs of RTP packets, each behind two bytes of length."""
    found = []
    for mtu_bytes in (200, 1400):
        maker = packetizer(codec, mtu_bytes=mtu_bytes)
        packets = [p for at in range(3) for unit in units_of(codec) for p in maker.packets(unit, at * 3000)]
        found.append(b"".join(len(packet).to_bytes(2) + packet for packet in packets))
    return found


def packet_reader(codec: Codec, reorder: bool) -> Callable[[bytes], None]:
    """Receiver and depacketizer of a codec; a configuration they find must make an MP4 or be refused."""

    def read(data: bytes) -> None:
        fmtp = {"config": "1408", "mode": "AAC-hbr"} if codec is Codec.AAC else {}
        into = receiver(codec, reorder=reorder, **fmtp)
        at = turn = 0
        units: list[TimedUnit] = []
        while at + 2 <= len(data):
            end = at + 2 + int.from_bytes(data[at : at + 2])
            units += into.push(memoryview(data)[at + 2 : end], Arrival(turn, turn))
            at, turn = end, turn + 5000
        units += into.tick(turn + 10**7)
        units += into.flush()
        held = sum(len(unit.data) for unit in units)
        assert held < 2 * len(data) + (1 << 20)
        if into.config is not None:
            write_movie(codec, into.config.parameter_sets, into.config.codec_data)

    return read


def write_movie(codec: Codec, sets: tuple[bytes, ...], codec_data: bytes) -> None:
    """What the recorder and the viewer make of a configuration that a camera chose."""
    rate_hz = 90_000 if codec in {Codec.H264, Codec.H265, Codec.MJPEG} else 16_000
    track = TrackConfig(1, codec, rate_hz, 0, sets, codec_data, 640, 480, 16_000, 1)
    for write in (init_segment, mse_type):
        with suppress(*REFUSED):
            write((track,))


def read_sps_264(data: bytes) -> None:
    """A sequence parameter set, and the MP4 made of it."""
    write_movie(Codec.H264, (data, PPS_264), b"")
    parse_h264_sps(data)


def read_sps_265(data: bytes) -> None:
    """The same for H.265, each of the sets."""
    write_movie(Codec.H265, (VPS_265, data, PPS_265), b"")
    write_movie(Codec.H265, (data, SPS_265, data), b"")
    parse_h265_sps(data)


def read_nals(data: bytes) -> None:
    """NAL units by length and by start code."""
    nals = split_annexb(data)
    assert [bytes(one) for one in iterate_nals(join_nals(nals))] == [bytes(one) for one in nals]
    list(iterate_nals(data))


def read_aac_config(data: bytes) -> None:
    """AudioSpecificConfig, and the MP4 made of it."""
    write_movie(Codec.AAC, (), data)
    parse_audio_specific_config(data)


def read_pictures(data: bytes) -> None:
    """A client of Motion JPEG by HTTP, answered with these bytes, whole and in cuts; it raises nothing."""
    for size in (len(data) or 1, 61):
        client = PictureClient("http://c/video", ADMIN, 1000)
        client.connected(0)
        for at in range(0, len(data), size):
            for event in client.receive(data[at : at + size], at):
                if isinstance(event, HttpPicture):
                    with suppress(ProtocolError):
                        jpeg_size(event.data)
            if client.wants_connection(at) and not client.is_ended:
                client.connected(at)
            assert len(client.outgoing()) < 1 << 20
            client.tick(at)
        client.closed(10**12)


def picture_seeds() -> Sequence[bytes]:
    """Answers of cameras: streams with and without lengths, single pictures, chunks, logins."""
    jpegs = units_of(Codec.MJPEG)
    part = b"--b\r\nContent-Type: image/jpeg\r\n%s\r\n%s\r\n"
    sized = b"".join(part % (b"Content-Length: %d\r\n" % len(one), one) for one in jpegs)
    open_ended = b"".join(part % (b"", one) for one in jpegs) + b"--b--\r\n"
    stream = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=%s\r\n\r\n"
    single = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nETag: 1\r\n"
    login = b'HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm="c", nonce="n", qop="auth"\r\n\r\n'
    chunked = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(jpegs[0]), jpegs[0])
    lengthy = b"Content-Length: %d\r\n\r\n%s" % (len(jpegs[0]), jpegs[0])
    return [
        stream % b"b" + sized, stream % b'"--b"' + open_ended, single + chunked, single + lengthy,
        login + stream % b"b" + sized,
    ]  # fmt: skip


def rtcp_seeds() -> Sequence[bytes]:
    """Compound packets of ours."""
    blocks = (ReportBlock(7, 1, 2, 3, 4, 5, 6), ReportBlock(8, 0, 0, 0, 0, 0, 0))
    report = write_sender_report(SenderReport(7, 1_700_000_000_000_000, 90_000, 12, 3456, blocks), "camera")
    mine = write_receiver_report(ReceiverReport(9, blocks), "viewer")
    return [report, mine, write_bye(7, 8), report + write_bye(7)]


def rtp_seeds() -> Sequence[bytes]:
    """Packets with and without marker."""
    return packetizer(Codec.H264).packets(units_of(Codec.H264)[0], 0)


TARGETS: dict[str, Target] = {
    "rtsp": Target(read_rtsp, lambda: [*dialogues(True), *dialogues(False), *captures()]),
    "rtsp client": Target(read_as_client, lambda: [*dialogues(True)], ()),
    "rtsp server": Target(read_as_server, lambda: [*dialogues(False)]),
    "sdp": Target(read_sdp, sdp_seeds, REFUSED),
    "logins": Target(read_logins, login_seeds),
    "rtsp fields": Target(
        read_fields,
        lambda: [
            b"RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=DCC4A0D8;mode=PLAY",
            b"RTP/AVP;unicast;client_port=4588-4589;server_port=6256-6257;source=192.0.2.1",
            b"12345678;timeout=60",
            b"url=rtsp://c/trackID=1;seq=9810092;rtptime=3450012,url=rtsp://c/trackID=2;seq=1",
        ],
    ),
    "rtp": Target(parse_rtp, rtp_seeds),
    "rtcp": Target(parse_rtcp, rtcp_seeds),
    "h264 sps": Target(read_sps_264, lambda: [SPS_264]),
    "h265 sps": Target(read_sps_265, lambda: [SPS_265]),
    "nals": Target(read_nals, lambda: units_of(Codec.H264)),
    "http pictures": Target(read_pictures, picture_seeds, ()),
    "jpeg size": Target(jpeg_size, lambda: units_of(Codec.MJPEG)),
    "jpeg": Target(parse_jpeg, lambda: units_of(Codec.MJPEG)),
    "aac config": Target(
        read_aac_config,
        lambda: [
            *(write_audio_specific_config(rate, 2) for rate in (16_000, 44_100, 96_000)),
            b"\x12\x10\x56\xe5\x00",
        ],
    ),
    **{
        f"{codec} packets{', reordered' if reorder else ''}": Target(
            packet_reader(codec, reorder),
            lambda codec=codec: packets_of(codec),  # type: ignore[misc]
        )
        for codec in Codec
        for reorder in (False, True)
    },
}
