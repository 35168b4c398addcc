"""Small numbers in few bytes: unsigned LEB128, and zigzag for signed ones."""

from civiscope.base import ProtocolError

_MAX_BYTES = 10


def put_varint(out: bytearray, value: int) -> None:
    """Append `value` ≥ 0, seven bits a byte, least first."""
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def put_zigzag(out: bytearray, value: int) -> None:
    """Append a signed number: 0, -1, 1, -2 … become 0, 1, 2, 3 …"""
    put_varint(out, value << 1 if value >= 0 else -value * 2 - 1)


class VarintReader:
    """Reads one number after the other; ProtocolError when the bytes end or a number is over 64 bits."""

    __slots__ = ("_data", "position")

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = data
        self.position = 0

    @property
    def at_end(self) -> bool:
        """Nothing is left."""
        return self.position >= len(self._data)

    def byte(self) -> int:
        """The next byte as it is."""
        if self.position >= len(self._data):
            raise ProtocolError("a list of numbers ends in the middle")
        value = self._data[self.position]
        self.position += 1
        return value

    def varint(self) -> int:
        """The next unsigned number."""
        value = 0
        for shift in range(0, 7 * _MAX_BYTES, 7):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise ProtocolError("a number in a list has more than 64 bits")

    def zigzag(self) -> int:
        """The next signed number."""
        value = self.varint()
        return value >> 1 if value & 1 == 0 else -((value + 1) >> 1)
