"""Where the samples of an MP4 file lie (ISO/IEC 14496-12 §4.2 and §8.1.1)."""

from collections.abc import Callable

from civiscope.base import ProtocolError

_BOXES_LIMIT = 1_000
_LARGE_HEAD_BYTES = 16


def find_media_data(read_at: Callable[[int, int], bytes], size_bytes: int) -> range:
    """The data of the file's one top-level `mdat`; ProtocolError if there is none or more than one.

    A box that says that it goes on behind the file's end ends there.
    """
    found: range | None = None
    offset = 0
    for _ in range(_BOXES_LIMIT):
        if offset >= size_bytes:
            break
        head = read_at(offset, _LARGE_HEAD_BYTES)
        if len(head) < 8:
            raise ProtocolError("the file ends inside a box")
        length, head_bytes = int.from_bytes(head[:4]), 8
        if length == 1:
            length, head_bytes = int.from_bytes(head[8:16]), _LARGE_HEAD_BYTES
        if length == 0:
            length = size_bytes - offset
        if length < head_bytes:
            raise ProtocolError("a box of the file is shorter than its head")
        if head[4:8] == b"mdat":
            if found is not None:
                raise ProtocolError("the file has more than one mdat box")
            found = range(offset + head_bytes, min(offset + length, size_bytes))
        offset += length
    if found is None:
        raise ProtocolError("the file has no mdat box: it holds no pictures")
    return found
