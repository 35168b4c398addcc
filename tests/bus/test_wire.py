"""Frames: what is written is read again however the bytes are cut, and anything else is a ProtocolError."""

from itertools import pairwise
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import ErrorKind, ProtocolError, Whose
from civiscope.bus.wire import (
    HELLO_LIMIT_BYTES,
    MAGIC,
    MESSAGE_LIMIT_BYTES,
    PROTOCOL_VERSION,
    Cancel,
    Failure,
    Hello,
    Message,
    MessageParser,
    Request,
    Response,
    check_hello,
    write_message,
)

HELLO = Hello(MAGIC, PROTOCOL_VERSION, "recorder")
call_ids = st.integers(0, 2**62)
names = st.text(min_size=1, max_size=128).filter(lambda text: text.isprintable())
messages: st.SearchStrategy[Message] = st.one_of(
    st.builds(
        Request,
        call=call_ids,
        face=names,
        method=names,
        timeout_ms=st.integers(1, 3_600_000),
        trace_id=st.uuids(),
        principal_id=st.none() | st.uuids(),
        body=st.binary(max_size=200),
    ),
    st.builds(Response, call=call_ids, body=st.binary(max_size=200)),
    st.builds(Failure, call=call_ids, kind=st.sampled_from(ErrorKind), message=st.text(max_size=100)),
    st.builds(Cancel, call=call_ids),
)


@given(st.lists(messages, max_size=6), st.lists(st.integers(0, 2000), max_size=12))
def test_any_cut_of_the_bytes_gives_the_same_messages(sent: list[Message], cuts: list[int]) -> None:
    data = b"".join(write_message(message) for message in [HELLO, *sent])
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    parser = MessageParser()
    got = [message for a, b in pairwise(edges) for message in parser.feed(data[a:b])]
    assert got == [HELLO, *sent]
    assert not parser.is_midway


@given(st.binary(max_size=400), st.booleans())
def test_any_bytes_end_in_messages_or_a_protocol_error(garbage: bytes, greeted: bool) -> None:
    parser = MessageParser()
    if greeted:
        parser.feed(write_message(HELLO))
    try:
        parser.feed(garbage)
        parser.feed(len(garbage).to_bytes(4) + garbage)
    except ProtocolError:
        with pytest.raises(ProtocolError) as caught:
            parser.feed(write_message(HELLO))
        assert caught.value.whose is Whose.REMOTE


@given(st.binary(min_size=1, max_size=100))
def test_a_frame_of_garbage_is_a_protocol_error(garbage: bytes) -> None:
    parser = MessageParser()
    try:
        messages_read = parser.feed(len(garbage).to_bytes(4) + garbage)
    except ProtocolError:
        return
    assert all(write_message(message) for message in messages_read)


@pytest.mark.parametrize(
    "body", [b"\x91" * 900, b"\x81\xa1x" * 300, b"\xdd\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xf0"]
)
def test_deep_and_boastful_messages_are_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        MessageParser().feed(len(body).to_bytes(4) + body)


def test_deep_nesting_after_the_greeting_is_refused() -> None:
    parser = MessageParser()
    parser.feed(write_message(HELLO))
    body = b"\x97\xa7request" + b"\x91" * 1_000_000
    with pytest.raises(ProtocolError):
        parser.feed(len(body).to_bytes(4) + body)


def test_a_stranger_may_announce_a_kilobyte_only() -> None:
    with pytest.raises(ProtocolError, match="announced"):
        MessageParser().feed((HELLO_LIMIT_BYTES + 1).to_bytes(4))
    parser = MessageParser()
    parser.feed(write_message(HELLO))
    parser.feed((HELLO_LIMIT_BYTES + 1).to_bytes(4))
    greeted = MessageParser()
    greeted.feed(write_message(HELLO))
    with pytest.raises(ProtocolError, match="announced"):
        greeted.feed((MESSAGE_LIMIT_BYTES + 1).to_bytes(4))


def test_our_own_overlong_message_is_our_fault() -> None:
    with pytest.raises(ProtocolError) as caught:
        write_message(Response(1, bytes(MESSAGE_LIMIT_BYTES)))
    assert caught.value.whose is Whose.LOCAL


@pytest.mark.parametrize("message", [Hello("other", PROTOCOL_VERSION, "x"), Hello(MAGIC, 2, "x"), Cancel(1)])
def test_another_greeting_is_refused(message: Message) -> None:
    with pytest.raises(ProtocolError):
        check_hello(message)


def test_a_request_carries_trace_and_principal() -> None:
    request = Request(7, "Plans", "send", 1000, uuid4(), uuid4(), b"x")
    parser = MessageParser()
    assert parser.feed(write_message(HELLO) + write_message(request)) == [HELLO, request]
