"""Files of wrapped data keys: written by the recorder, opened by whoever holds the site's private key."""

from civiscope.base import ProtocolError
from civiscope.recording.container import CRC_BYTES, crc

_MAGIC = b"CVKY"
_HEAD_BYTES = 8


def write_key_file(wrapped: bytes) -> bytes:
    """`"CVKY" u32 length, wrapped, crc`."""
    data = _MAGIC + len(wrapped).to_bytes(4) + wrapped
    return data + crc(data)


def read_key_file(data: bytes) -> bytes:
    """The wrapped key; ProtocolError if the file is torn or not ours."""
    length = int.from_bytes(data[4:_HEAD_BYTES])
    end = _HEAD_BYTES + length
    if data[:4] != _MAGIC or crc(data[:end]) != data[end : end + CRC_BYTES]:
        raise ProtocolError("a wrapped key of the volume is torn: what it sealed cannot be opened any more")
    return data[_HEAD_BYTES:end]
