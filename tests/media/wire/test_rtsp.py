"""RTSP messages: written and read back, cut anywhere, broken anywhow."""

import contextlib
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import ProtocolError, Whose
from civiscope.media.wire import (
    InterleavedFrame,
    Route,
    RtspHeaders,
    RtspMessage,
    RtspParser,
    RtspRequest,
    RtspResponse,
    write_interleaved,
    write_request,
    write_response,
)
from civiscope.media.wire.rtsp import MAX_BODY_BYTES, MAX_GARBAGE_BYTES, MAX_HEAD_BYTES

_NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,15}", fullmatch=True).filter(
    lambda name: name.lower() != "content-length"
)
_VALUES = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_characters="\x7f\x85\xa0\xad"), max_size=30
)
_HEADERS = st.lists(st.tuples(_NAMES, _VALUES), max_size=5).map(RtspHeaders)
_BODIES = st.binary(max_size=60)
_REQUESTS = st.builds(
    RtspRequest,
    st.sampled_from(["OPTIONS", "DESCRIBE", "GET_PARAMETER", "PLAY"]),
    st.from_regex(r"rtsp://[a-z]{1,9}(/[a-z?&=0-9]{0,9}){0,3}", fullmatch=True),
    _HEADERS,
    _BODIES,
)
_RESPONSES = st.builds(
    RtspResponse,
    st.integers(100, 999),
    st.from_regex(r"([A-Z][a-z]{0,9})?", fullmatch=True),
    _HEADERS,
    _BODIES,
)
_FRAMES = st.builds(
    lambda c, p: InterleavedFrame(c, memoryview(p)), st.integers(0, 255), st.binary(max_size=80)
)
_MESSAGES = st.one_of(_REQUESTS, _RESPONSES, _FRAMES)


def write(message: RtspMessage) -> bytes:
    if isinstance(message, RtspRequest):
        return write_request(message)
    if isinstance(message, RtspResponse):
        return write_response(message)
    return write_interleaved(message.channel, bytes(message.payload))


def plain(messages: Sequence[RtspMessage]) -> list[object]:
    """Comparable: a header of the length is added in writing."""
    out: list[object] = []
    for message in messages:
        if isinstance(message, InterleavedFrame):
            out.append((message.channel, bytes(message.payload)))
            continue
        start: tuple[object, ...] = (
            (message.method, message.uri)
            if isinstance(message, RtspRequest)
            else (message.status, message.reason)
        )
        fields = [(k.lower(), v) for k, v in message.headers if k.lower() != "content-length"]
        out.append((*start, fields, message.body))
    return out


def fed(parser: RtspParser, data: bytes, cuts: Sequence[int]) -> list[object]:
    out: list[object] = []
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for start, end in pairwise(places):
        out += plain(parser.feed(data[start:end]))
    return out


@given(st.lists(_MESSAGES, max_size=6), st.lists(st.integers(0, 10_000), max_size=12))
def test_what_is_written_is_read_however_it_is_cut(messages: list[RtspMessage], cuts: list[int]) -> None:
    data = b"".join(write(message) for message in messages)
    assert fed(RtspParser(), data, cuts) == plain(messages)


@given(
    st.lists(_FRAMES.filter(lambda f: len(f.payload) > 0), min_size=1, max_size=3), st.binary(max_size=200)
)
def test_any_garbage_is_skipped_or_refused_alike_for_every_cut(
    frames: list[InterleavedFrame], garbage: bytes
) -> None:
    data = b"".join(write(frame) for frame in frames) + garbage + b"\r\n" * 20

    def outcome(cuts: Sequence[int]) -> object:
        parser = RtspParser()
        try:
            messages = fed(parser, data, cuts)
        except ProtocolError as error:
            return str(error)
        return messages

    assert outcome(range(len(data))) == outcome([]) == outcome([len(data) // 2])


@given(st.binary(max_size=400))
def test_bytes_that_are_no_rtsp_end_in_protocol_error_or_wait(data: bytes) -> None:
    parser = RtspParser()
    with contextlib.suppress(ProtocolError):
        parser.feed(data)
        parser.feed(b"\x01" * 30)


def routes_of(**tracks: Route) -> list[Route | None]:
    routes: list[Route | None] = [None] * 256
    for name, route in tracks.items():
        routes[int(name.removeprefix("channel"))] = route
    return routes


def test_packets_come_as_runs_with_their_track_and_unknown_channels_are_dropped() -> None:
    data = b"".join(
        [
            write_interleaved(0, b"\x80video"), write_interleaved(9, b"\x80alien"),
            write_interleaved(3, b"\x81report"), b"RTSP/1.0 200 OK\r\nCSeq: 4\r\n\r\n",
            write_interleaved(0, b"\x80more"),
        ]
    )  # fmt: skip
    routes = routes_of(channel0=(0, False), channel3=(1, True))
    items = RtspParser().feed_routed(data, routes)
    runs = [[(t, r, bytes(v)) for t, r, v in item] for item in items if isinstance(item, list)]
    assert runs == [[(0, False, b"\x80video"), (1, True, b"\x81report")], [(0, False, b"\x80more")]]
    assert isinstance(items[1], RtspResponse)


def test_payloads_of_a_whole_buffer_are_views_into_it() -> None:
    data = bytearray(write_interleaved(0, b"\x80abc"))
    (frame,) = RtspParser().feed(memoryview(data))
    assert isinstance(frame, InterleavedFrame)
    data[5] = 0x7A
    assert bytes(frame.payload) == b"\x80zbc"


def test_garbage_between_frames_is_skipped_and_counted() -> None:
    parser = RtspParser()
    good = write_interleaved(0, b"\x80" + bytes(20))
    messages = parser.feed(
        good + b"\xa5" * 300 + good + b"\0\0" + b"RTSP/1.0 200 OK\r\nCSeq: 9\r\n\r\n" + good
    )
    assert [type(message).__name__ for message in messages] == [
        "InterleavedFrame", "InterleavedFrame", "RtspResponse", "InterleavedFrame",
    ]  # fmt: skip
    assert parser.skipped_bytes == 302


def test_an_answer_is_found_behind_garbage_however_it_is_cut() -> None:
    data = write_interleaved(0, b"\x80") + b"xxR\xa5xxRTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"
    for cut in range(len(data)):
        messages = fed(RtspParser(), data, [cut])
        assert messages == [(0, b"\x80"), (200, "OK", [("cseq", "1")], b"")]


def test_a_dollar_that_heads_no_packet_is_garbage_too() -> None:
    parser = RtspParser()
    good = write_interleaved(0, b"\x80good")
    assert len(parser.feed(good + b"xx$\0\0\4\x10RTP" + good)) == 2


def test_a_length_of_our_own_replaces_the_one_given() -> None:
    written = write_request(RtspRequest("PLAY", "rtsp://a", RtspHeaders([("Content-Length", "99")]), b"abc"))
    assert written.count(b"Content-Length: 3") == written.count(b"Content-Length") == 1


def test_too_much_garbage_in_a_row_ends_it() -> None:
    parser = RtspParser()
    parser.feed(write_interleaved(0, b"\x80"))
    parser.feed(b"\xa5" * MAX_GARBAGE_BYTES)
    with pytest.raises(ProtocolError, match="64 KiB"):
        parser.feed(b"\xa5")


def test_a_frame_cut_everywhere_costs_no_copy_of_the_rest() -> None:
    frames = [write_interleaved(0, bytes([0x80, n])) for n in range(50)]
    data = b"".join(frames)
    for cut in range(1, 12):
        parser = RtspParser()
        first, second = parser.feed(data[:cut]), parser.feed(data[cut:])
        assert [bytes(f.payload)[1] for f in (*first, *second) if isinstance(f, InterleavedFrame)] == [
            *range(50)
        ]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "neither request nor answer"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "speaks HTTP"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(30), "does not speak RTSP"),
        (b"RTSP/1.0 200 OK\r\nContent-Length: x\r\n\r\n", "no number"),
        (b"RTSP/1.0 200 OK\r\nContent-Length: -4\r\n\r\n", "no number"),
        (b"RTSP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1), "at most"),
        (b"RTSP/1.0 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n", "header lines"),
        (b"RTSP/1.0 200 OK\r\n" + b"A: " + b"b" * MAX_HEAD_BYTES, "32 KiB"),
        (b"RTSP/1.0 hello\r\n\r\n", "neither request nor answer"),
    ],
)
def test_each_limit_is_told_in_words(data: bytes, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        RtspParser().feed(data)


def test_sloppy_lines_of_cameras_are_read() -> None:
    data = b"\r\n\0RTSP/1.0 200\nCseq : 7\nX-Long: a\n\tb\nno colon here\nSession:  12 ; timeout = 30\n\n"
    (response,) = RtspParser().feed(data)
    assert isinstance(response, RtspResponse)
    assert (response.status, response.reason, response.cseq) == (200, "", 7)
    assert response.headers.get("x-long") == "a b"
    assert len(response.headers) == 3
    assert "SESSION" in response.headers
    assert 5 not in response.headers


def test_what_cannot_be_written_is_our_own_fault() -> None:
    evil = RtspHeaders([("Session", "1\r\nEvil: 2")])
    for broken in (
        RtspRequest("PLAY", "rtsp://a/b\r\nX: y"),
        RtspRequest("lower", "rtsp://a"),
        RtspRequest("PLAY", "rtsp://a", RtspHeaders([("Content-Length", "1\n")])),
        RtspRequest("PLAY", "rtsp://a", evil),
        RtspRequest("PLAY", "rtsp://a", RtspHeaders([("a b", "c")])),
    ):
        with pytest.raises(ProtocolError) as caught:
            write_request(broken)
        assert caught.value.whose is Whose.LOCAL
    with pytest.raises(ProtocolError, match="65,535"):
        write_interleaved(0, bytes(65536))
    with pytest.raises(ProtocolError, match="three digits"):
        write_response(RtspResponse(20))


def test_no_authorization_shows_in_a_repr() -> None:
    headers = RtspHeaders([("Authorization", "Basic c2VjcmV0"), ("CSeq", "1")])
    assert "c2VjcmV0" not in repr(RtspRequest("PLAY", "rtsp://a", headers))
    assert headers == RtspHeaders([("authorization", "Basic c2VjcmV0"), ("cseq", "1")])
    assert len({headers, RtspHeaders(headers)}) == 1
