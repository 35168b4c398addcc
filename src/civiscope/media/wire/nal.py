"""NAL units in their three dresses: 4-byte lengths (ours), start codes (Annex B), bare."""

from collections.abc import Iterable, Iterator

from civiscope.base import ProtocolError

_START_CODE = b"\0\0\1"


def iterate_nals(data: bytes | memoryview) -> Iterator[memoryview]:
    """The NAL units of an `AccessUnit.data` in order, as views into it; empty ones are passed over."""
    view = memoryview(data)
    at, end = 0, len(view)
    while at < end:
        if at + 4 > end:
            raise ProtocolError("an access unit ends inside a NAL unit's length")
        start = at + 4
        at = start + int.from_bytes(view[at:start])
        if at > end:
            raise ProtocolError("an access unit ends inside a NAL unit")
        if at > start:
            yield view[start:at]


def join_nals(nals: Iterable[bytes | memoryview]) -> bytes:
    """NAL units as `AccessUnit.data`: each behind its 4-byte big-endian length."""
    out = bytearray()
    for nal in nals:
        out += len(nal).to_bytes(4)
        out += nal
    return bytes(out)


def split_annexb(data: bytes) -> list[bytes]:
    """The NAL units between start codes (ITU-T H.264 Annex B); zeros before a start code are not theirs."""
    nals = []
    start = data.find(_START_CODE)
    while start >= 0:
        start += 3
        following = data.find(_START_CODE, start)
        nal = data[start : following if following >= 0 else len(data)].rstrip(b"\0")
        if nal:
            nals.append(nal)
        start = following
    return nals


def bare_nal(data: bytes) -> bytes:
    """One NAL unit without the start codes and zeros some cameras wrap around it in their SDP."""
    if data.startswith((b"\0\0\1", b"\0\0\0\1")):
        data = data[data.index(1) + 1 :]
    while data.endswith(b"\0\0\1"):
        data = data[:-3]
    return data.rstrip(b"\0")
