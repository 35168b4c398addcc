"""Bits of a parameter set: emulation prevention removed, Exp-Golomb read (Rec. ITU-T H.264 §7.4.1, §9.1)."""

from civiscope.base import ProtocolError


def raw_payload(nal: bytes, limit_bytes: int = 1024) -> bytes:
    """The first bytes of a NAL unit without emulation prevention bytes, header included."""
    return nal[:limit_bytes].replace(b"\x00\x00\x03", b"\x00\x00")


class BitReader:
    """Reads bits, most significant first; past the end it raises `ProtocolError`."""

    __slots__ = ("_length", "_position", "_value")

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._length = len(data) * 8
        self._position = 0

    def bits(self, count: int) -> int:
        """The next `count` bits as an unsigned number."""
        self._position += count
        if self._position > self._length:
            raise ProtocolError("a parameter set ends too early")
        return self._value >> (self._length - self._position) & ((1 << count) - 1)

    def exp_golomb(self) -> int:
        """The next ue(v) (Rec. ITU-T H.264 §9.1)."""
        zeros = 0
        while not self.bits(1):
            zeros += 1
            if zeros > 32:
                raise ProtocolError("an Exp-Golomb code in a parameter set is too long")
        return (1 << zeros) - 1 + self.bits(zeros)
