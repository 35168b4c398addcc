"""Text made to make parsers slow: whatever comes is read or refused in time that grows with its length."""

import contextlib
import time
from collections.abc import Callable

import pytest

from civiscope.base import ProtocolError
from civiscope.media.wire import (
    RtspParser,
    depacketizer_for,
    parse_authorization,
    parse_challenges,
    parse_rtp_info,
    parse_sdp,
    parse_session,
    parse_transport,
    without_user_info,
)

LENGTH = 30_000
PIECES = [
    " ", "a", "/", ",", ";", "=", '"', "\\", "1", "//", "a=", ', url=', 'a="', 'a="\\', "url=;seq=1", ";seq",
    " ;", "Digest ", "Basic,", "timeout=", " RTSP/1.0 ", "trackID=", "1-", "RTP/AVP;", "96 a/", "\t ", "@",
]  # fmt: skip
READERS: dict[str, Callable[[str], object]] = {
    "challenges": lambda text: parse_challenges([text, "Digest " + text + "x", "Basic realm=" + text]),
    "authorization": lambda text: parse_authorization("Digest " + text + "x"),
    "transport": lambda text: parse_transport("RTP/AVP;interleaved=" + text + "x"),
    "session": lambda text: parse_session("1;" + text + "x"),
    "rtp info": lambda text: parse_rtp_info("url=" + text + "x"),
    "user info": lambda text: without_user_info("rtsp://" + text + "x"),
    "media": lambda text: parse_sdp(b"v=0\nm=" + text.encode() + b"x\n"),
    "rtpmap": lambda text: parse_sdp(b"m=video 0 RTP/AVP 96\na=rtpmap:96 " + text.encode() + b"x\n"),
    "fmtp": lambda text: parse_sdp(b"m=video 0 RTP/AVP 96\na=fmtp:96 " + text.encode() + b"x\n"),
    "status": lambda text: RtspParser().feed(b"RTSP/1.0 " + text.encode() + b"x\r\n\r\n"),
    "request": lambda text: RtspParser().feed(b"PLAY " + text.encode() + b"x\r\n\r\n"),
    "header": lambda text: RtspParser().feed(b"RTSP/1.0 200 OK\r\nA" + text.encode() + b"\r\n\r\n"),
    "garbage": lambda text: RtspParser().feed(b"$\0\0\1a" + text.encode()),
}


@pytest.mark.parametrize("name", sorted(READERS))
def test_hostile_text_is_read_or_refused_in_little_time(name: str) -> None:
    for piece in PIECES:
        text = piece * (LENGTH // len(piece))
        began = time.process_time()
        with contextlib.suppress(ProtocolError):
            READERS[name](text)
        assert time.process_time() - began < 0.4, f"{piece!r} repeated keeps {name} busy"


def test_continued_lines_and_long_addresses_cost_little() -> None:
    began = time.process_time()
    RtspParser().feed(b"RTSP/1.0 200 OK\r\nA: b" + b"\n " * 15_000 + b"\r\n\r\n")
    assert time.process_time() - began < 0.4


@pytest.mark.parametrize("name", ["sizelength", "indexlength", "indexdeltalength"])
def test_a_header_length_of_thousands_of_digits_is_no_number_to_fail_on(name: str) -> None:
    sdp = (
        f"v=0\nm=audio 0 RTP/AVP 97\na=rtpmap:97 MPEG4-GENERIC/16000\n"
        f"a=fmtp:97 mode=AAC-hbr;config=1408;{name}={'3' * 5002}\n"
    )
    (track,) = parse_sdp(sdp.encode()).tracks
    with contextlib.suppress(ProtocolError):
        depacketizer_for(track)
