"""Motion JPEG by HTTP, bytes only: any cut gives the same pictures, garbage gives an end in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import ProtocolError
from civiscope.media.wire import (
    ConnectionNeeded,
    Credentials,
    Ended,
    EndReason,
    HttpBody,
    HttpEnd,
    HttpEvent,
    HttpHead,
    HttpParser,
    HttpPicture,
    JpegPicture,
    MultipartParser,
    PictureClient,
    PictureEvent,
    PictureUnchanged,
    boundary_of,
    jpeg_size,
    write_jpeg,
)

URL = "http://10.0.0.7:8080/video.cgi?x=1"


def a_picture(width_px: int = 64, height_px: int = 48, fill: int = 7) -> bytes:
    return write_jpeg(JpegPicture(width_px, height_px, 1, 0, bytes(range(1, 129)), bytes([fill]) * 90))


PICTURES = [a_picture(fill=number) for number in range(1, 6)]
JPEGS = st.binary(max_size=300).map(
    lambda body: b"\xff\xd8" + body.replace(b"-", b"+").strip(b"\r\n") + b"\xff\xd9"
)


def multipart(
    pictures: list[bytes], mark: bytes = b"--frame", gap: bytes = b"\r\n", *, sized: bool = True
) -> bytes:
    out = b""
    for picture in pictures:
        size = b"Content-Length: %d\r\n" % len(picture) if sized else b""
        out += mark + b"\r\nContent-Type: image/jpeg\r\n" + size + b"\r\n" + picture + gap
    return out + mark + b"--\r\n"


def cut(data: bytes, step: int) -> list[bytes]:
    return [data[at : at + step] for at in range(0, len(data), step)]


@given(
    st.lists(JPEGS, max_size=4), st.booleans(), st.sampled_from([b"\r\n", b"\n", b""]),
    st.sampled_from([b"--frame", b"----frame", b"--frame  "]), st.integers(1, 90),
)  # fmt: skip
def test_any_cut_gives_the_same_pictures(
    pictures: list[bytes], sized: bool, gap: bytes, mark: bytes, step: int
) -> None:
    data = multipart(pictures, mark.strip(), gap, sized=sized)
    parser = MultipartParser("frame")
    found = [picture for piece in cut(data, step) for picture in parser.feed(piece)]
    assert found + parser.end() == pictures


@given(st.binary(max_size=400), st.integers(1, 50), st.sampled_from(["", "frame", "--x"]))
def test_garbage_gives_pictures_or_a_protocol_error_alike_for_any_cut(
    data: bytes, step: int, boundary: str
) -> None:
    data = data.replace(b"\x00", b"--frame\r\n").replace(b"\x01", b"\r\n\r\n").replace(b"\x02", b"\xff\xd8")
    outcomes = []
    for pieces in ([data], cut(data, step)):
        parser, found = MultipartParser(boundary), []
        try:
            for piece in pieces:
                found += parser.feed(piece)
            found += parser.end()
        except ProtocolError:
            outcomes.append("refused")
            continue
        assert sum(map(len, found)) <= len(data) + 1
        outcomes.append(repr(found))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/x-mixed-replace; boundary=frame", "frame"),
        ('multipart/x-mixed-replace;boundary="--my boundary"', "--my boundary"),
        ("multipart/x-mixed-replace; charset=x; BOUNDARY=--frame ; a=b", "--frame"),
        ("multipart/x-mixed-replace", ""),
    ],
)
def test_the_boundary_is_read_however_it_is_written(content_type: str, boundary: str) -> None:
    assert boundary_of(content_type) == boundary
    parser = MultipartParser(boundary)
    core = boundary.strip("-").encode() or b"told-by-the-first-line"
    found = parser.feed(b"\r\n" + multipart(PICTURES, b"--" + core, sized=False))
    assert found == PICTURES


def test_a_boundary_inside_a_picture_does_not_cut_it() -> None:
    picture = b"\xff\xd8 --frame is no delimiter here \xff\xd9"
    assert MultipartParser("frame").feed(multipart([picture], sized=False)) == [picture]
    assert MultipartParser("frame").feed(multipart([b"\xff\xd8\r\n--frame\r\n\xff\xd9"])) == [
        b"\xff\xd8\r\n--frame\r\n\xff\xd9"
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"x" * 70_000,
        b"no\n" * 30_000,
        b"--frame\r\n" + b"A: b\r\n" * 20_000,
        b"--frame\r\nContent-Length: 16777217\r\n\r\n",
        b"--frame\r\n\r\n" + b"\xff\xd8" + b"a" * (17 << 20),
        b"--frame\r\n\r\ntext\r\n" * 60,
    ],
)
def test_what_has_no_end_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        MultipartParser("frame").feed(data)


def bodies(events: list[HttpEvent]) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, HttpBody))


@given(
    st.lists(st.binary(min_size=1, max_size=40), max_size=5),
    st.integers(1, 60),
    st.sampled_from(["sized", "chunked", "open"]),
)
def test_a_body_comes_whole_however_it_is_framed_and_cut(
    pieces: list[bytes], step: int, framing: str
) -> None:
    body = b"".join(pieces)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n"
    data = {
        "sized": head + b"Content-Length: %d\r\n\r\n" % len(body) + body,
        "chunked": head + b"Transfer-Encoding: chunked\r\n\r\n"
        + b"".join(b"%x;q=1\r\n%s\r\n" % (len(one), one) for one in pieces) + b"0\r\nTrailer: x\r\n\r\n",
        "open": head + b"\r\n" + body,
    }[framing]  # fmt: skip
    parser = HttpParser()
    events = [
        event for piece in cut(b"HTTP/1.1 100 Continue\r\n\r\n" + data, step) for event in parser.feed(piece)
    ]
    events += parser.end()
    assert isinstance(events[0], HttpHead)
    assert events[0].media_type == "image/jpeg"
    assert bodies(events) == body
    assert events.count(HttpEnd()) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"RTSP/1.0 200 OK\r\n\r\n", b"HTTP/1.1 x\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a" * 40_000,
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n",
    ],
)  # fmt: skip
def test_what_is_no_http_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        HttpParser().feed(data)


@given(st.binary(max_size=200), st.integers(1, 40))
def test_garbage_ends_a_client_and_raises_nothing(data: bytes, step: int) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n--b\r\n"
    for begin in (b"", b"HTTP/1.1 ", head):
        client = PictureClient(URL, Credentials("a", "b"), 1000)
        client.connected(0)
        for turn, piece in enumerate(cut(begin + data, step)):
            client.receive(piece, turn)
            client.outgoing()
        client.tick(10**9)
        client.closed(10**9)


def test_sizes_are_read_and_files_that_lie_are_refused() -> None:
    assert jpeg_size(a_picture(320, 200)) == (320, 200)
    for data in (b"", b"\xff\xd8", b"GIF89a", b"\xff\xd8\xff\xda\0\2", a_picture(8, 8)[:40], a_picture(0, 8)):
        with pytest.raises(ProtocolError):
            jpeg_size(data)


def client_of(word: str | None = None) -> PictureClient:
    client = PictureClient(URL, Credentials("viewer", word) if word else None, 5_000_000)
    assert client.wants_connection(0)
    client.connected(0)
    return client


def answered(client: PictureClient, head: str, body: bytes = b"", now_us: int = 0) -> list[PictureEvent]:
    return client.receive(f"HTTP/1.1 {head}\r\n\r\n".encode() + body, now_us)


def test_a_stream_of_pictures() -> None:
    client = client_of()
    asked = client.outgoing()
    assert asked.startswith(b"GET /video.cgi?x=1 HTTP/1.1\r\nHost: 10.0.0.7:8080\r\n")
    assert b"identity" in asked
    kind = "Content-Type: multipart/x-mixed-replace; boundary=frame"
    head = f"200 OK\r\nDate: Sat, 21 Nov 2026 15:00:00 GMT\r\n{kind}"
    assert answered(client, head, multipart(PICTURES)) == [HttpPicture(picture) for picture in PICTURES]
    assert client.date.startswith("Sat, 21 Nov")
    assert client.is_described
    assert client.tick(10**9) == []  # no second request while pictures flow
    (ended,) = client.closed(10**9)
    assert isinstance(ended, Ended)
    assert ended.reason is EndReason.CLOSED


def test_single_pictures_are_asked_for_five_times_a_second_and_only_when_new() -> None:
    client = client_of()
    client.outgoing()
    head = f'200 OK\r\nContent-Type: image/jpeg\r\nETag: "7"\r\nContent-Length: {len(PICTURES[0])}'
    assert answered(client, head, PICTURES[0]) == [HttpPicture(PICTURES[0])]
    client.tick(199_999)
    assert client.outgoing() == b""
    client.tick(200_000)
    assert b'If-None-Match: "7"\r\n' in client.outgoing()
    assert answered(client, "304 Not Modified", now_us=250_000) == [PictureUnchanged()]
    client.tick(400_000)
    assert client.outgoing()
    events = answered(client, head + "\r\nConnection: close", PICTURES[1], 410_000)
    assert events == [HttpPicture(PICTURES[1]), ConnectionNeeded()]
    assert not client.wants_connection(599_999)
    assert client.wants_connection(600_000)
    client.connected(600_000)
    assert client.outgoing()
    assert client.closed(600_001) == []  # once, it may have been a kept connection that just ended
    client.connected(600_002)
    (ended,) = client.closed(600_003)
    assert isinstance(ended, Ended)


def test_a_login_is_proved_on_a_fresh_connection() -> None:
    client = client_of("s3cret")
    client.outgoing()
    challenge = 'WWW-Authenticate: Digest realm="cam", nonce="abc", qop="auth"'
    assert answered(client, f"401 Unauthorized\r\n{challenge}\r\nContent-Length: 4", b"nope") == [
        ConnectionNeeded()
    ]
    client.connected(1)
    asked = client.outgoing().decode()
    assert 'uri="/video.cgi?x=1"' in asked
    assert "s3cret" not in asked
    (ended,) = answered(client, f"401 Unauthorized\r\n{challenge}")
    assert isinstance(ended, Ended)
    assert ended.reason is EndReason.AUTHENTICATION


@pytest.mark.parametrize(
    ("head", "reason", "word"),
    [
        ("302 Found\r\nLocation: http://u:p@10.9.9.9/x", EndReason.REDIRECTED, "http://10.9.9.9/x"),
        ("404 Not Found", EndReason.REFUSED, "404"),
        ("503 Too Many", EndReason.REFUSED, "503 Too Many"),
        ("304 Not Modified", EndReason.REFUSED, "304"),
        ("401 No", EndReason.AUTHENTICATION, "password"),
        ("200 OK\r\nContent-Type: text/html", EndReason.UNSUPPORTED, "text/html"),
        ("200 OK\r\nContent-Type: image/jpeg\r\nContent-Encoding: gzip", EndReason.UNSUPPORTED, "compressed"),
        ("200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 4", EndReason.PROTOCOL, "no JPEG"),
    ],
)  # fmt: skip
def test_what_ends_it_is_told(head: str, reason: EndReason, word: str) -> None:
    client = client_of()
    events = answered(client, head, b"" if head.startswith("304") else b"text")
    (ended,) = [event for event in events if isinstance(event, Ended)]
    assert ended.reason is reason
    assert word in ended.detail
    assert answered(client, "200 OK") == []


def test_an_answer_that_does_not_come() -> None:
    client = client_of()
    assert client.tick(5_000_000) == []
    (ended,) = client.tick(5_000_001)
    assert isinstance(ended, Ended)
    assert ended.reason is EndReason.TIMEOUT
