"""Feed v1: parse∘write = id, any cut gives the same messages, garbage ends in `ProtocolError`."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ingest.feed_values import messages

from civiscope.base import ProtocolError
from civiscope.ingest.feed_wire import FeedMessage, FeedParser, read_tracks, write_message


def _cut(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


@given(st.lists(messages, max_size=5), st.lists(st.integers(0, 10_000), max_size=12))
def test_any_cut_gives_the_same_messages(sent: list[FeedMessage], cuts: list[int]) -> None:
    parser = FeedParser()
    data = b"".join(map(write_message, sent))
    assert [message for piece in _cut(data, cuts) for message in parser.feed(piece)] == sent


@given(messages)
def test_byte_by_byte_is_the_same(message: FeedMessage) -> None:
    parser = FeedParser()
    assert [m for byte in write_message(message) for m in parser.feed(bytes((byte,)))] == [message]


@given(st.binary(max_size=200), st.booleans())
def test_garbage_ends_in_a_protocol_error(data: bytes, is_framed: bool) -> None:
    framed = (len(data) or 1).to_bytes(4) + (data or b"\x00") if is_framed else data
    try:
        FeedParser().feed(framed)
    except ProtocolError as error:
        assert error.message  # noqa: PT017  # any other error fails the test


@given(messages, st.data())
def test_a_broken_message_ends_in_a_protocol_error(message: FeedMessage, data: st.DataObject) -> None:
    broken = bytearray(write_message(message))
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(4, len(broken) - 1))] = data.draw(st.integers(0, 255))
    try:
        FeedParser().feed(broken)
    except ProtocolError as error:
        assert error.message  # noqa: PT017  # any other error fails the test


@pytest.mark.parametrize("length", [0, 4097, 2**32 - 1])
def test_a_length_beyond_the_limit_is_refused_before_the_bytes_come(length: int) -> None:
    with pytest.raises(ProtocolError, match="refused"):
        FeedParser(4096).feed(length.to_bytes(4) + b"\x05")


@pytest.mark.parametrize(
    "text",
    [b"", b"7", b"{}", b"[1]", b'[{"track_id":1}]', b"[" * 100_000, b"[" + b"{}," * 50 + b"{}]", b"\xff"],
)
def test_tracks_that_are_no_tracks_are_refused(text: bytes) -> None:
    with pytest.raises(ProtocolError):
        read_tracks(text)
