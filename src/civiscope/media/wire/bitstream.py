"""Reading single bits: fixed-length and Exp-Golomb codes of H.264 and H.265 headers."""

from civiscope.base import ProtocolError

_MAX_GOLOMB_BITS = 32


class BitReader:
    """Reads bits from the most significant end; running past the end is a `ProtocolError`."""

    __slots__ = ("_bits", "_left")

    def __init__(self, data: bytes) -> None:
        self._bits = int.from_bytes(data)
        self._left = len(data) * 8

    @property
    def left(self) -> int:
        """Bits not yet read."""
        return self._left

    def read(self, count: int) -> int:
        """The next `count` bits as an unsigned number: u(n)."""
        if count > self._left:
            raise ProtocolError("a coded header ends too early")
        self._left -= count
        return (self._bits >> self._left) & ((1 << count) - 1)

    def flag(self) -> bool:
        """One bit."""
        return self.read(1) == 1

    def skip(self, count: int) -> None:
        """Pass over `count` bits."""
        if count > self._left:
            raise ProtocolError("a coded header ends too early")
        self._left -= count

    def unsigned(self) -> int:
        """ue(v) (ITU-T H.264 §9.1): at most 32 leading zeros."""
        zeros = 0
        while not self.read(1):
            zeros += 1
            if zeros > _MAX_GOLOMB_BITS:
                raise ProtocolError("an Exp-Golomb code of a coded header is too long")
        return (1 << zeros) - 1 + self.read(zeros)

    def signed(self) -> int:
        """se(v) (ITU-T H.264 §9.1.1)."""
        code = self.unsigned()
        return (code + 1) // 2 if code & 1 else -(code // 2)


def unescape(nal: bytes) -> bytes:
    """The raw byte sequence payload: every emulation prevention byte taken out (ITU-T H.264 §7.4.1)."""
    if b"\0\0\3" not in nal:
        return nal
    pieces = []
    start = 0
    while (found := nal.find(b"\0\0\3", start)) >= 0:
        pieces.append(nal[start : found + 2])
        start = found + 3
    pieces.append(nal[start:])
    return b"".join(pieces)


def escape(payload: bytes) -> bytes:
    """The inverse of `unescape`: emulation prevention bytes put in where the payload needs them."""
    out = bytearray()
    zeros = 0
    for byte in payload:
        if zeros >= 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)
