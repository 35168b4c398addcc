"""Whatever bytes come give a request or ProtocolError; what is written is read again."""

import asyncio
import contextlib
import time
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.simulator.onvif.asker import envelope, token_header
from tests.simulator.onvif.conftest import ADMIN

from civiscope.base import ProtocolError
from civiscope.simulator.onvif.calls import duration_us
from civiscope.simulator.onvif.encoding import Encoding, EncodingOptions, applied
from civiscope.simulator.onvif.faults import EncoderFault
from civiscope.simulator.onvif.http import HttpRequest, parse_head, read_request
from civiscope.simulator.onvif.login import parse_time_us, write_time
from civiscope.simulator.onvif.ptz import Pose, PtzHead
from civiscope.simulator.onvif.pull_point import TopicFilter
from civiscope.simulator.onvif.soap import (
    SoapFault,
    fault_node,
    node,
    parse_soap,
    parse_xml,
    qualified,
    write_envelope,
)
from civiscope.simulator.onvif.wrong_answers import billion_laughs

RIGHT = envelope("<tds:GetUsers/>", token_header(ADMIN))
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=40)


@given(st.binary(max_size=400), st.integers(0, len(RIGHT)), st.integers(0, len(RIGHT)))
def test_any_bytes_give_a_request_or_protocol_error(garbage: bytes, begin: int, end: int) -> None:
    for data in (garbage, RIGHT[:begin] + garbage + RIGHT[end:]):
        try:
            request = parse_soap(data)
        except ProtocolError:
            continue
        assert request.operation


@given(TEXT, TEXT)
def test_what_is_written_is_read(text: str, value: str) -> None:
    written = write_envelope([node("tds:GetUsersResponse", node("tt:Username", text, Kind=value))])
    request = parse_soap(written)
    (found,) = request.body
    assert (request.operation, found.text or "", found.get("Kind")) == ("GetUsersResponse", text, value)


def test_elements_can_be_left_out() -> None:
    inner = node("tds:User", node("tt:Username", "a"), node("tt:UserLevel", "User"))
    written = write_envelope([node("tds:GetUsersResponse", inner)], omits=frozenset({"Username"}))
    assert [one.tag for one in parse_soap(written).body[0]] == [qualified("tt:UserLevel")]


def test_entities_and_document_types_are_refused_at_once() -> None:
    began = time.monotonic()
    file = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>'
    for data in (billion_laughs(), file, b"<!DOCTYPE html><a/>"):
        with pytest.raises(ProtocolError, match="document type"):
            parse_xml(data)
    assert time.monotonic() - began < 0.5


@pytest.mark.parametrize(
    "data",
    [
        b"<a>" * 65 + b"</a>" * 65,
        b"<a>" + b"<b/>" * 10_001 + b"</a>",
        b"<a>" + b"x" * 262_144 + b"</a>",
        b'<?xml version="1.0" encoding="klingon"?><a/>',
        b"<a/><b/>",
        b"",
    ],
)
def test_xml_beyond_all_bounds_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_xml(data)


@pytest.mark.parametrize(
    "data",
    [
        b"<a/>",
        envelope(""),
        envelope("<a/>").replace(b"2003/05/soap-envelope", b"1999/nothing"),
        envelope("<a/>", token_header(ADMIN).replace("<wsse:Nonce>", "<wsse:Nonce>!")),
    ],
)
def test_xml_that_is_no_request_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_soap(data)


def test_subcodes_are_nested() -> None:
    fault = SoapFault("no <such> profile", "ter:InvalidArgVal", "ter:NoProfile")
    element: Element = parse_soap(write_envelope([fault_node(fault)])).body
    values = [one.text for one in element.iter(qualified("env:Value"))]
    assert values == ["env:Sender", "ter:InvalidArgVal", "ter:NoProfile"]
    assert element.findtext(f".//{qualified('env:Text')}") == "no <such> profile"


# -- HTTP


HEAD = b"POST /onvif/1/device_service HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"


async def whole(data: bytes) -> HttpRequest | None:
    reader = asyncio.StreamReader(limit=16 * 1024)
    reader.feed_data(data)
    reader.feed_eof()
    return await read_request(reader, None)  # type: ignore[arg-type]  # written to for 100-continue alone


@given(st.binary(max_size=200), st.integers(0, len(HEAD)), st.integers(0, len(HEAD)))
def test_any_head_is_read_or_refused(garbage: bytes, begin: int, end: int) -> None:
    for data in (garbage, HEAD[:begin] + garbage + HEAD[end:]):
        try:
            head = parse_head(data)
            assert head.length is None or head.length >= 0
        except ProtocolError:
            continue


@pytest.mark.parametrize(
    "bad",
    [
        b"4\r\nab",
        b"zz\r\n",
        b"4\r\nabcdef\r\n0\r\n\r\n",
        b"ffffffff\r\n",
        b"4\r\nabcd\r\n0\r\n",
    ],
)
async def test_chunks_that_are_none_are_refused(bad: bytes) -> None:
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    with pytest.raises(ProtocolError):
        await whole(head + bad)
    right = await whole(head + b"2;x=1\r\nab\r\n2\r\ncd\r\n0\r\nTrailer: 1\r\n\r\n")
    assert right is not None
    assert right.body == b"abcd"


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 4\r\nContent-Length: 5",
        b"Content-Length: 4\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: gzip, chunked",
        b"Content-Length: 4 4",
        b" Folded: line",
    ],
)
async def test_bodies_of_doubtful_length_are_refused(fields: bytes) -> None:
    with pytest.raises(ProtocolError):
        await whole(b"POST / HTTP/1.1\r\n" + fields + b"\r\n\r\nabcd")


# -- small values


@given(st.integers(0, 4_000_000_000))
def test_times_are_read_as_written(at_s: int) -> None:
    assert parse_time_us(write_time(at_s * 1_000_000)) == at_s * 1_000_000


@given(st.text(max_size=30))
def test_no_text_breaks_the_small_readers(text: str) -> None:
    assert parse_time_us(text) is None or isinstance(parse_time_us(text), int)
    assert duration_us(text) is None or isinstance(duration_us(text), int)
    with contextlib.suppress(SoapFault):
        TopicFilter(text)


@pytest.mark.parametrize(
    ("text", "us"),
    [("PT5S", 5_000_000), ("PT0.25S", 250_000), ("P1DT1H1M1S", 90_061_000_000), ("-PT1M", -60_000_000)],
)
def test_durations(text: str, us: int) -> None:
    assert duration_us(text) == us


# -- steering and encoders as values

AXIS = st.floats(-1, 1)
POSES = st.builds(Pose, AXIS, AXIS, st.floats(0, 1))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["drive", "go", "stop"]), st.builds(Pose, AXIS, AXIS, AXIS), st.integers(0, 9_000_000)
    ),
    max_size=12,
)


@given(STEPS)
def test_a_head_never_leaves_its_limits_and_never_jumps(steps: list[tuple[str, Pose, int]]) -> None:
    head, now_us = PtzHead(), 0
    for word, pose, pass_us in steps:
        before = head.at(now_us)
        if word == "drive":
            head.drive(pose, now_us, pass_us // 2 or None)
        elif word == "go":
            head.go(pose, now_us)
        else:
            head.stop(now_us)
        assert head.at(now_us) == pytest.approx(before), "an order alone moves nothing"
        now_us += pass_us
        after = head.at(now_us)
        assert all(low <= one <= 1 for low, one in zip((-1, -1, 0), after, strict=True))
        far = max(abs(a - b) for a, b in zip(before, after, strict=True))
        assert far <= pass_us / 1_000_000 + 1e-9, "no faster than full speed"


@given(POSES)
def test_a_head_arrives(goal: Pose) -> None:
    head = PtzHead()
    head.go(goal, 0)
    assert head.at(3_000_000) == goal
    assert not head.is_moving(3_000_000)


@given(st.floats(0.1, 60), st.integers(-5, 10_000), st.integers(-5, 100_000), st.floats(-5, 50))
def test_settings_in_force_are_always_offered(fps: float, gop: int, kbps: int, quality: float) -> None:
    options = EncodingOptions(("H264",), ((640, 360), (320, 240)), (25.0, 10.0, 5.0))
    old = Encoding("H264", 320, 240, 10.0, 20, 256)
    wish = Encoding("H264", 640, 360, fps, gop, kbps, quality=quality)
    found = applied(old, wish, options, EncoderFault.NONE)
    assert found.fps in options.fps
    assert all(abs(found.fps - fps) <= abs(one - fps) for one in options.fps)
    assert options.gop_frames[0] <= found.gop_frames <= options.gop_frames[1]
    assert options.bitrate_kbps[0] <= found.bitrate_kbps <= options.bitrate_kbps[1]
    assert options.quality[0] <= found.quality <= options.quality[1]
    assert applied(found, found, options, EncoderFault.NONE) == found
