"""Client and server machines, face to face in memory and against hand-written cameras."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import ProtocolError
from civiscope.media import TrackKind
from civiscope.media.wire import (
    ClientEvent,
    ClientSession,
    ClientSettings,
    Credentials,
    Described,
    Ended,
    EndReason,
    Login,
    Manners,
    MediaDescription,
    Packets,
    Paused,
    Played,
    Playing,
    RtpInfo,
    RtpTransport,
    RtspHeaders,
    RtspParser,
    RtspRequest,
    RtspResponse,
    ServerEvent,
    ServerSession,
    ServerSettings,
    SessionDescription,
    TornDown,
    UdpPortsNeeded,
    check_path,
    write_interleaved,
    write_request,
    write_response,
)

ADMIN = Credentials("admin", "hunter2")
URL = "rtsp://192.0.2.7:554/main"
TRACKS = (
    MediaDescription("audio", 8, "PCMA", 8000, 1, control="trackID=0"),
    MediaDescription("application", 107, "VND.ONVIF.METADATA", 90_000, control="trackID=1"),
    MediaDescription("video", 96, "H264", 90_000, control="trackID=2"),
)


@dataclass
class Shelf:
    """Mounts of one path."""

    now: Manners = field(default_factory=Manners)

    def describe(self, path: str) -> SessionDescription | None:
        return SessionDescription(TRACKS) if path == "main" else None

    def manners(self, path: str) -> Manners:
        return self.now

    def ssrc(self, path: str, track: int) -> int:
        return 1000 + track

    def position(self, path: str, track: int) -> RtpInfo:
        return RtpInfo("", 40 + track, 90_000)


@dataclass
class Pair:
    """Both machines, and what they said."""

    client: ClientSession
    server: ServerSession
    client_events: list[ClientEvent] = field(default_factory=list)
    server_events: list[ServerEvent] = field(default_factory=list)
    sent: bytearray = field(default_factory=bytearray)
    now_us: int = 0

    def run(self, piece_bytes: int = 1 << 16) -> None:
        """Carry bytes in pieces until nobody has any."""
        while True:
            asked = self.client.outgoing()
            self.sent += asked
            for at in range(0, len(asked), piece_bytes):
                self.server_events += self.server.receive(asked[at : at + piece_bytes], self.now_us)
            told = self.server.outgoing()
            for at in range(0, len(told), piece_bytes):
                self.client_events += self.client.receive(told[at : at + piece_bytes], self.now_us)
            for event in self.client_events:
                if isinstance(event, UdpPortsNeeded):
                    self.client_events.remove(event)
                    self.client.give_udp_port(event.track, 5000 + 2 * event.track, self.now_us)
            if not asked and not told:
                return

    def tick(self, seconds: float) -> None:
        self.now_us += round(seconds * 1_000_000)
        self.client_events += self.client.tick(self.now_us)
        self.run()

    @property
    def end(self) -> Ended | None:
        return next((event for event in self.client_events if isinstance(event, Ended)), None)


def pair(shelf: Shelf | None = None, server: ServerSettings | None = None, **settings: object) -> Pair:
    made = replace(ClientSettings(URL, ADMIN), **settings)  # type: ignore[arg-type]  # the fields' own types
    both = Pair(
        ClientSession(made),
        ServerSession(server or ServerSettings(users=(ADMIN,)), shelf or Shelf(), "5eed" * 8),
    )
    both.client.start(0)
    return both


@pytest.mark.parametrize("login", list(Login))
@pytest.mark.parametrize("transport", list(RtpTransport))
def test_a_session_plays_with_every_login_and_transport(login: Login, transport: RtpTransport) -> None:
    both = pair(
        server=ServerSettings(users=(ADMIN,), login=login, udp_ports=(40_000, 40_001)), transport=transport
    )
    both.run()
    assert both.client.is_playing
    assert both.end is None
    described, playing = both.client_events
    assert isinstance(described, Described)
    assert isinstance(playing, Playing)
    assert [(t.kind, t.address) for t in playing.tracks] == [
        (TrackKind.VIDEO, f"{URL}/trackID=2"), (TrackKind.AUDIO, f"{URL}/trackID=0"),
    ]  # fmt: skip
    assert [(t.ssrc, t.first_sequence, t.first_timestamp) for t in playing.tracks] == [
        (1002, 42, 90_000), (1000, 40, 90_000),
    ]  # fmt: skip
    (played,) = both.server_events
    assert isinstance(played, Played)
    assert {d.track for d in played.deliveries} == {0, 2}
    if transport is RtpTransport.UDP:
        assert playing.tracks[1].server_ports == (40_000, 40_001)
        assert {d.transport.client_ports for d in played.deliveries} == {(5000, 5001), (5002, 5003)}
    assert (b"hunter2" in both.sent) is False
    assert both.client.sends_password_in_clear == (login is Login.BASIC)


@given(st.integers(1, 700))
def test_any_cut_of_the_bytes_gives_the_same_session(piece_bytes: int) -> None:
    both = pair()
    both.run(piece_bytes)
    assert [type(event) for event in both.client_events] == [Described, Playing]


def test_packets_come_with_their_tracks_before_and_after_the_play_answer() -> None:
    both = pair(server=ServerSettings())
    for _ in range(4):  # OPTIONS, DESCRIBE, two SETUPs
        both.server.receive(both.client.outgoing(), 0)
        both.client.receive(both.server.outgoing(), 0)
    early = both.client.receive(write_interleaved(0, b"\x80v") + write_interleaved(3, b"\x81a"), 0)
    assert [[(t, r, bytes(p)) for t, r, p in e.items] for e in early if isinstance(e, Packets)] == [
        [(0, False, b"\x80v"), (1, True, b"\x81a")]
    ]
    both.run()
    assert both.client.is_playing
    both.client.send_rtcp(0, b"\x81rr")
    assert both.client.outgoing() == write_interleaved(1, b"\x81rr")


def test_sound_that_is_not_wanted_is_not_set_up() -> None:
    both = pair(wants_audio=False)
    both.run()
    (played,) = both.server_events
    assert isinstance(played, Played)
    assert [d.track for d in played.deliveries] == [2]


def test_the_session_is_kept_alive_by_get_parameter() -> None:
    both = pair(server=ServerSettings(users=(ADMIN,), session_timeout_s=10))
    both.run()
    before = both.sent.count(b"GET_PARAMETER")
    for _ in range(20):
        both.tick(1)
    assert both.sent.count(b"GET_PARAMETER") - before == 4
    assert both.end is None


def test_a_nonce_that_ages_is_renewed_without_a_word() -> None:
    shelf = Shelf(Manners(nonce_uses=2))
    both = pair(shelf, ServerSettings(users=(ADMIN,), session_timeout_s=2))
    both.run()
    for _ in range(10):
        both.tick(1)
    assert both.client.is_playing
    assert both.end is None


def test_a_session_the_camera_forgot_ends_as_lost() -> None:
    shelf = Shelf()
    both = pair(shelf, ServerSettings(users=(ADMIN,), session_timeout_s=2))
    both.run()
    shelf.now = Manners(forgets_session=True)
    both.tick(2)
    assert both.end is not None
    assert both.end.reason is EndReason.SESSION_LOST
    assert both.client.receive(b"whatever comes", 0) == []


@pytest.mark.parametrize(
    ("credentials", "words"),
    [
        (None, "asks for a user name"),
        (Credentials("admin", "wrong"), "refused"),
        (Credentials("x", "y"), "refused"),
    ],
)
def test_wrong_or_missing_passwords_end_in_plain_words(credentials: Credentials | None, words: str) -> None:
    both = pair(credentials=credentials)
    both.run()
    assert both.end is not None
    assert both.end.reason is EndReason.AUTHENTICATION
    assert words in both.end.detail
    assert "wrong" not in both.end.detail


@pytest.mark.parametrize(
    ("method", "status", "reason", "words"),
    [
        ("DESCRIBE", 404, EndReason.REFUSED, "no stream at this path"),
        ("SETUP", 461, EndReason.TRANSPORT, "461"),
        ("SETUP", 454, EndReason.SESSION_LOST, "454"),
        ("PLAY", 503, EndReason.REFUSED, "503 Service Unavailable"),
        ("DESCRIBE", 302, EndReason.REDIRECTED, "(rtsp://elsewhere/x)"),
        ("OPTIONS", 404, EndReason.REFUSED, "404"),
    ],
)
def test_refusals_end_with_their_reason(method: str, status: int, reason: EndReason, words: str) -> None:
    shelf = Shelf(Manners(refusals={method: status}, location="rtsp://name:secret@elsewhere/x"))
    both = pair(shelf)
    both.run()
    assert both.end is not None
    assert (both.end.reason, words in both.end.detail, "secret" in both.end.detail) == (reason, True, False)


def test_options_may_be_refused_and_no_parameters_are_asked_then() -> None:
    both = pair(Shelf(Manners(refusals={"OPTIONS": 405})), ServerSettings(session_timeout_s=2))
    both.run()
    both.tick(2)
    assert both.client.is_playing
    assert b"GET_PARAMETER" not in both.sent


def test_a_silent_camera_ends_in_a_time_out_but_not_while_it_plays() -> None:
    both = pair()
    both.client.outgoing()
    both.client_events += both.client.tick(11_000_000)
    assert both.end is not None
    assert both.end.reason is EndReason.TIMEOUT
    playing = pair(server=ServerSettings(session_timeout_s=4))
    playing.run()
    for second in range(1, 40):
        assert playing.client.tick(second * 1_000_000) == []
    assert playing.client.outgoing().count(b"GET_PARAMETER") >= 3


def test_stopping_sends_teardown_and_ends() -> None:
    both = pair()
    both.run()
    events = both.client.stop(0)
    both.server_events += both.server.receive(both.client.outgoing(), 0)
    assert [type(event) for event in both.server_events] == [Played, TornDown]
    assert events == [Ended(EndReason.STOPPED, "The session was stopped here.")]
    assert both.client.is_ended
    assert pair().client.stop(0) == events


def test_user_info_in_an_address_never_goes_on_the_wire() -> None:
    both = pair(url="rtsp://admin:hunter2@192.0.2.7:554/main")
    both.run()
    assert both.client.is_playing
    assert b"hunter2" not in both.sent
    assert b"admin:" not in both.sent


def camera_of(answer: Callable[[RtspRequest], RtspResponse | bytes]) -> Callable[[bytes], bytes]:
    parser = RtspParser()

    def serve(data: bytes) -> bytes:
        out = b""
        for request in parser.feed(data):
            assert isinstance(request, RtspRequest)
            given = answer(request)
            out += given if isinstance(given, bytes) else write_response(given)
        return out

    return serve


def play_against(
    answer: Callable[[RtspRequest], RtspResponse | bytes], settings: ClientSettings
) -> list[ClientEvent]:
    client, serve, events = ClientSession(settings), camera_of(answer), list[ClientEvent]()
    client.start(0)
    while data := client.outgoing():
        events += client.receive(serve(data), 0)
    return events


SDP = b"v=0\nm=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=control:v\nm=audio 0 RTP/AVP 0\na=control:a\n"


def simple(request: RtspRequest, **fields: str) -> RtspResponse:
    body = SDP if request.method == "DESCRIBE" else b""
    return RtspResponse(200, "OK", RtspHeaders([(k.replace("_", "-"), v) for k, v in fields.items()]), body)


def test_a_camera_without_cseq_session_or_transport_in_its_answers_still_plays() -> None:
    events = play_against(simple, ClientSettings(URL))
    assert [type(event) for event in events] == [Described, Playing]


def test_channel_numbers_of_the_camera_are_taken() -> None:
    def answer(request: RtspRequest) -> bytes:
        channels = "10-11" if request.uri.endswith("/v") else "4-5"
        told = write_response(simple(request, Transport=f"RTP/AVP/TCP;interleaved={channels}", Session="1"))
        return told + (
            write_interleaved(10, b"\x80v") + write_interleaved(4, b"\x80a")
            if request.method == "PLAY"
            else b""
        )

    events = play_against(answer, ClientSettings(URL))
    packets = [item for event in events if isinstance(event, Packets) for item in event.items]
    assert [(track, is_rtcp) for track, is_rtcp, _ in packets] == [(0, False), (1, False)]


def test_the_first_session_id_is_kept_and_the_newest_time_counts() -> None:
    sessions = iter(["231970;timeout=60", "231980 ; timeout=2"])
    seen: list[str] = []

    def answer(request: RtspRequest) -> RtspResponse:
        seen.append(request.headers.get("Session"))
        return simple(request, **({"Session": next(sessions)} if request.method == "SETUP" else {}))

    play_against(answer, ClientSettings(URL))
    assert seen == ["", "", "", "231970", "231970"]


def test_sound_that_is_refused_is_done_without() -> None:
    def answer(request: RtspRequest) -> RtspResponse:
        refused = request.method == "SETUP" and request.uri.endswith("/a")
        return RtspResponse(500, "Internal Server Error") if refused else simple(request, Session="1")

    events = play_against(answer, ClientSettings(URL))
    assert isinstance(events[-1], Playing)
    assert [track.kind for track in events[-1].tracks] == [TrackKind.VIDEO]


def test_play_is_asked_again_without_a_range_that_is_refused() -> None:
    def answer(request: RtspRequest) -> RtspResponse:
        refused = request.method == "PLAY" and "Range" in request.headers
        return RtspResponse(457, "Invalid Range") if refused else simple(request, Session="1")

    assert isinstance(play_against(answer, ClientSettings(URL))[-1], Playing)
    refused = play_against(
        lambda r: RtspResponse(457, "Invalid Range") if r.method == "PLAY" else simple(r), ClientSettings(URL)
    )
    assert isinstance(refused[-1], Ended)


def test_the_loudspeaker_of_a_camera_is_not_set_up() -> None:
    sdp = SDP + b"a=sendonly\nm=audio 0 RTP/AVP 8\na=control:b\na=recvonly\n"
    events = play_against(
        lambda r: RtspResponse(200, "OK", body=sdp if r.method == "DESCRIBE" else b""), ClientSettings(URL)
    )
    assert isinstance(events[-1], Playing)
    assert [track.address for track in events[-1].tracks] == [f"{URL}/v", f"{URL}/b"]


def test_an_interim_answer_is_waited_out_and_a_late_one_passed_over() -> None:
    client = ClientSession(ClientSettings(URL, answer_timeout_us=1_000_000))
    client.start(0)
    assert client.receive(b"RTSP/1.0 100 Continue\r\nCSeq: 1\r\n\r\n", 900_000) == []
    assert client.tick(1_800_000) == []
    both = pair(server=ServerSettings(session_timeout_s=4))
    both.run()
    old = b"RTSP/1.0 454 Session Not Found\r\nCSeq: 2\r\n\r\n"
    assert both.client.receive(old, 0) == []
    both.client.tick(3_000_000)
    assert both.client.receive(old, 0) == []
    assert both.client.is_playing


@pytest.mark.parametrize("second", ["0-1", "2-1"])
def test_two_tracks_on_one_channel_keep_their_own(second: str) -> None:
    def answer(request: RtspRequest) -> bytes:
        channels = second if request.uri.endswith("/a") else "0-1"
        told = write_response(simple(request, Transport=f"RTP/AVP/TCP;interleaved={channels}", Session="1"))
        more = write_interleaved(0, b"\x80v") + write_interleaved(2, b"\x80a")
        return told + (more if request.method == "PLAY" else b"")

    events = play_against(answer, ClientSettings(URL))
    packets = [item for event in events if isinstance(event, Packets) for item in event.items]
    assert [track for track, _, _ in packets] == [0, 1]


def test_a_camera_that_answers_with_udp_to_tcp_is_a_matter_of_transport() -> None:
    events = play_against(
        lambda r: simple(r, Transport="RTP/AVP;unicast;client_port=1-2;server_port=3-4"), ClientSettings(URL)
    )
    assert isinstance(events[-1], Ended)
    assert events[-1].reason is EndReason.TRANSPORT


def test_nothing_readable_is_said_so() -> None:
    sdp = b"v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 MP4V-ES/90000\r\n"
    events = play_against(lambda r: RtspResponse(200, "OK", body=sdp), ClientSettings(URL))
    assert events == [
        Ended(EndReason.UNSUPPORTED, "The camera offers MP4V-ES: no picture or sound readable here.")
    ]


@pytest.mark.parametrize(
    ("base", "address"),
    [
        ("rtsp://cam/other/", "rtsp://cam/other/v"),
        ("rtsp://n:p@cam/other", "rtsp://cam/other/v"),
        ("nonsense", f"{URL}/v"),
        ("rtsp://a b/", f"{URL}/v"),
    ],
)
def test_the_base_of_tracks_is_what_the_camera_says_if_it_is_an_address(base: str, address: str) -> None:
    events = play_against(lambda r: simple(r, **{"Content-Base": base}), ClientSettings(URL))
    assert isinstance(events[0], Described)
    assert events[0].tracks[0].address == address


def unauthorized(*offers: str) -> RtspResponse:
    return RtspResponse(401, "Unauthorized", RtspHeaders([("WWW-Authenticate", offer) for offer in offers]))


def test_basic_is_never_answered_where_digest_was_offered() -> None:
    proofs: list[str] = []

    def answer(request: RtspRequest) -> RtspResponse:
        proofs.append(request.headers.get("Authorization"))
        return unauthorized('Basic realm="r"', 'Digest realm="r", nonce="1"')

    events = play_against(answer, ClientSettings(URL, ADMIN))
    assert isinstance(events[-1], Ended)
    assert events[-1].reason is EndReason.AUTHENTICATION
    assert [proof.partition(" ")[0] for proof in proofs] == ["", "Digest"]


def test_a_camera_that_takes_digest_back_gets_no_password() -> None:
    def answer(request: RtspRequest) -> RtspResponse:
        if request.method == "OPTIONS" and "Authorization" not in request.headers:
            return unauthorized('Digest realm="r", nonce="1"')
        return simple(request) if request.method == "OPTIONS" else unauthorized('Basic realm="r"')

    events = play_against(answer, ClientSettings(URL, ADMIN))
    assert isinstance(events[-1], Ended)
    assert "bare password" in events[-1].detail


def test_a_proof_of_unknown_kind_is_said_so() -> None:
    events = play_against(lambda r: unauthorized("Negotiate"), ClientSettings(URL, ADMIN))
    assert isinstance(events[-1], Ended)
    assert "not known" in events[-1].detail


@pytest.mark.parametrize(
    ("method", "status", "reason"),
    [
        ("OPTIONS", 200, None), ("ANNOUNCE", 200, None), ("SET_PARAMETER", 200, None), ("RECORD", 501, None),
        ("TEARDOWN", 200, EndReason.CLOSED), ("REDIRECT", 200, EndReason.REDIRECTED),
    ],
)  # fmt: skip
def test_requests_of_the_camera_are_answered(method: str, status: int, reason: EndReason | None) -> None:
    both = pair()
    both.run()
    asked = write_request(RtspRequest(method, URL, RtspHeaders([("CSeq", "77")])))
    events = both.client.receive(asked, 0)
    (told,) = RtspParser().feed(both.client.outgoing())
    assert isinstance(told, RtspResponse)
    assert (told.status, told.cseq) == (status, 77)
    assert [event.reason for event in events if isinstance(event, Ended)] == ([reason] if reason else [])


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_any_bytes_from_a_camera_end_in_an_event_and_never_raise(pieces: list[bytes]) -> None:
    both = pair()
    both.run()
    for piece in pieces:
        for event in both.client.receive(piece, 0):
            assert isinstance(event, Ended | Packets)


@given(st.sampled_from(["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]), st.binary(max_size=80))
def test_a_handshake_broken_at_any_step_ends_in_an_event(method: str, junk: bytes) -> None:
    def answer(request: RtspRequest) -> bytes:
        if request.method != method:
            return write_response(simple(request, Session="1"))
        return b"RTSP/1.0 200 OK\r\nCSeq: %d\r\n" % (request.cseq or 0) + junk + b"\r\n\r\n"

    events = play_against(answer, ClientSettings(URL, ADMIN))
    assert all(isinstance(event, Described | Playing | Ended | Packets) for event in events)


def ask(server: ServerSession, method: str, uri: str = URL, **fields: str) -> RtspResponse:
    request = RtspRequest(method, uri, RtspHeaders([("CSeq", "1"), *fields.items()]))
    server.receive(write_request(request), 0)
    (response,) = RtspParser().feed(server.outgoing())
    assert isinstance(response, RtspResponse)
    return response


TCP = "RTP/AVP/TCP;unicast;interleaved=0-1"


def test_the_server_refuses_a_second_mount_in_one_session_and_tcp_when_told() -> None:
    class Twins(Shelf):
        def describe(self, path: str) -> SessionDescription | None:
            return SessionDescription(TRACKS)

    shelf = Twins()
    server = ServerSession(ServerSettings(), shelf, "5eed" * 8)
    assert ask(server, "SETUP", "rtsp://h/a/trackID=0", Transport=TCP).status == 200
    assert ask(server, "SETUP", "rtsp://h/b/trackID=0", Transport=TCP).status == 455
    assert ask(server, "SETUP", "rtsp://h/a/trackID=2", Transport="RAW, RTP/AVP/TCP").status == 200
    shelf.now = Manners(refuses_tcp=True)
    assert ask(server, "SETUP", "rtsp://h/a/trackID=1", Transport=TCP).status == 461
    server.receive(write_response(RtspResponse(200, "OK")), 0)
    assert server.outgoing() == b""


def test_the_server_refuses_what_is_out_of_order() -> None:
    server = ServerSession(ServerSettings(), Shelf(), "5eed" * 8)
    assert ask(server, "DESCRIBE", "rtsp://h/none").status == 404
    assert ask(server, "PLAY").status == 454
    assert ask(server, "SETUP", URL, Transport=TCP).status == 404
    assert ask(server, "SETUP", URL + "/trackID=9", Transport=TCP).status == 404
    assert ask(server, "SETUP", URL + "/trackID=0", Transport="RTP/AVP;multicast").status == 461
    assert ask(server, "SETUP", URL + "/trackID=0", Transport="RTP/AVP;unicast;client_port=1-2").status == 461
    assert ask(server, "RECORD").status == 405
    told = ask(server, "SETUP", URL + "/trackID=0", Transport=TCP)
    session = told.headers.get("Session").partition(";")[0]
    assert ask(server, "PLAY", Session="other").status == 454
    assert ask(server, "PLAY", Session=session).status == 200
    assert ask(server, "GET_PARAMETER", Session=session).status == 200
    assert server.path == "main"
    assert not server.is_silent(59_000_000)
    assert server.is_silent(61_000_000)


def test_a_camera_that_refuses_get_parameter_is_kept_alive_by_options() -> None:
    shelf = Shelf()
    both = pair(shelf, ServerSettings(session_timeout_s=2))
    both.run()
    shelf.now = Manners(refusals={"GET_PARAMETER": 501})
    for _ in range(4):
        both.tick(1)
    assert both.client.is_playing
    assert both.sent.count(b"OPTIONS") >= 3
    assert both.server.asked_path == "main"


def test_nothing_follows_the_end_even_in_the_same_bytes() -> None:
    both = pair()
    both.run()
    bye = write_request(RtspRequest("TEARDOWN", URL, RtspHeaders([("CSeq", "7")])))
    events = both.client.receive(write_interleaved(0, b"\x80a") + bye + write_interleaved(0, b"\x80b"), 0)
    assert [type(event) for event in events] == [Packets, Ended]
    assert both.client.stop(0) == []
    assert both.client.skipped_bytes == 0


def test_no_report_is_sent_before_a_track_is_set_up_and_silence_may_be_told() -> None:
    class Quiet(Shelf):
        def position(self, path: str, track: int) -> RtpInfo:
            return RtpInfo("")

    both = pair(Quiet(), ServerSettings())
    both.client.send_rtcp(0, b"\x81rr")
    both.run()
    (playing,) = [event for event in both.client_events if isinstance(event, Playing)]
    assert playing.tracks[0].first_sequence is None


def test_pause_stops_and_play_goes_on() -> None:
    both = pair(server=ServerSettings())
    both.run()
    session = next(line for line in both.sent.decode().splitlines() if line.startswith("Session"))
    request = RtspRequest("PAUSE", URL, RtspHeaders([("CSeq", "9"), ("Session", session.partition(": ")[2])]))
    assert both.server.receive(write_request(request), 0) == [Paused("main")]


@given(st.binary(max_size=300))
def test_any_bytes_at_a_server_are_answered_or_refused(data: bytes) -> None:
    server = ServerSession(ServerSettings(users=(ADMIN,)), Shelf(), "5eed" * 8)
    try:
        server.receive(b"DESCRIBE " + data + b"\r\n\r\n", 0)
        server.receive(data, 0)
    except ProtocolError:
        return


@pytest.mark.parametrize("path", ["", "/", "a b", "a/trackID=1", "a#b"])
def test_paths_that_rtsp_cannot_name_are_refused(path: str) -> None:
    with pytest.raises(ProtocolError, match="cannot be the path"):
        check_path(path)
    assert check_path("/cam/realmonitor?channel=1/") == "cam/realmonitor?channel=1"
