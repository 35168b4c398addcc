"""Motion JPEG as multipart/x-mixed-replace (RFC 2046 §5.1), with the habits of real cameras.

Seen in the field: boundary parameters that begin with the dashes of the delimiter, or stand in quotes, or are
missing; delimiters without the line break before them; parts with and without Content-Length; empty lines
before a picture.
"""

import re

from civiscope.base import ProtocolError
from civiscope.media.wire.depacketizer import MAX_UNIT_BYTES
from civiscope.media.wire.http import read_fields

_MAX_BETWEEN_BYTES = 64 * 1024
"""Between two parts, and of a part's own head."""
_MAX_LINE_BYTES = 1024
_MAX_STRANGERS = 50
_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"]*)"|([^;\s]*))', re.IGNORECASE)
_EMPTY_LINE = re.compile(rb"\n\r?\n")
_BLANKS = b" \t\r\n"
START_OF_IMAGE = b"\xff\xd8"


def boundary_of(content_type: str) -> str:
    """The boundary parameter without quotes; empty where there is none."""
    found = _BOUNDARY.search(content_type)
    return (found[1] if found[1] is not None else found[2]) if found is not None else ""


class MultipartParser:
    """The bytes of a multipart body in, JPEG pictures out, each at most 16 MiB.

    Any cut of the bytes gives the same pictures. Parts that are no JPEG are left out; 50 in a row raise
    ProtocolError, as does what has no boundary within 64 KiB. After it throw the parser away.
    """

    def __init__(self, boundary: str) -> None:
        self._core = boundary.strip().strip("-").encode("utf-8", "surrogateescape")
        """The boundary without dashes; empty until the first line tells it."""
        self._rest = bytearray()
        self._looked = 0
        """Bytes of `_rest` in which the next delimiter is not."""
        self._between = 0
        self._in_part = False
        self._length: int | None = None
        self._strangers = 0

    def feed(self, data: bytes | memoryview) -> list[bytes]:
        """All pictures that are whole now."""
        self._rest += data
        pictures: list[bytes] = []
        while self._step(pictures):
            pass
        return pictures

    def end(self) -> list[bytes]:
        """The body is over: its last line counts although nothing ends it."""
        return self.feed(b"\n")

    def _step(self, pictures: list[bytes]) -> bool:
        """One thing more; False when more bytes are needed."""
        if not self._in_part:
            return self._read_line()
        if self._length is None:
            return self._read_to_delimiter(pictures)
        if len(self._rest) < self._length:
            return False
        self._take(self._length, self._length, pictures)
        return True

    def _read_line(self) -> bool:
        """A line between parts; after a delimiter comes the part's head."""
        end = self._rest.find(b"\n", self._looked)
        if end < 0:
            self._looked = len(self._rest)
            if self._looked > _MAX_BETWEEN_BYTES:
                raise ProtocolError("a multipart body has no boundary")
            return False
        line = bytes(self._rest[:end]).strip(_BLANKS)
        if not self._is_delimiter(line):
            self._drop(end + 1)
            self._between += end + 1
            if self._between > _MAX_BETWEEN_BYTES:
                raise ProtocolError("over 64 KiB in a row of a multipart body belong to no part")
            return True
        return self._read_head(end + 1)

    def _is_delimiter(self, line: bytes) -> bool:
        if not self._core and line.startswith(b"--") and len(line) < _MAX_LINE_BYTES:
            self._core = line.strip(b"-")
        return bool(self._core) and line.startswith(b"--") and line.strip(b"-") == self._core

    def _read_head(self, start: int) -> bool:
        """The fields of a part, up to the empty line."""
        found = _EMPTY_LINE.search(self._rest, start - 1)
        if found is None:
            if len(self._rest) - start > _MAX_BETWEEN_BYTES:
                raise ProtocolError("a part of a multipart body has a head of over 64 KiB")
            return False
        text = bytes(self._rest[start : found.start()]).decode("utf-8", "surrogateescape")
        fields = read_fields(text.replace("\r\n", "\n").split("\n"))
        self._length = _length(fields.get("Content-Length"))
        self._drop(found.end())
        self._between = 0
        self._in_part = True
        return True

    def _read_to_delimiter(self, pictures: list[bytes]) -> bool:
        """A part without length ends where a delimiter stands, on a line of its own or not."""
        mark = b"--" + self._core
        at = self._rest.find(mark, self._looked)
        if at < 0:
            self._looked = max(0, len(self._rest) - len(mark))
            if len(self._rest) > MAX_UNIT_BYTES + _MAX_LINE_BYTES:
                raise ProtocolError("a picture of a multipart body is longer than 16 MiB")
            return False
        after = self._rest.find(b"\n", at, at + len(mark) + 80)
        if after < 0 and len(self._rest) < at + len(mark) + 80:
            return False
        if after < 0 or self._rest[at + len(mark) : after].strip(_BLANKS + b"-"):
            self._looked = at + 2
            return True
        begin = at
        while begin and self._rest[begin - 1] == 0x2D:
            begin -= 1
        self._take(begin, begin, pictures)
        return True

    def _take(self, end: int, keep_from: int, pictures: list[bytes]) -> None:
        """A part ends at `end`."""
        picture = bytes(self._rest[:end]).strip(b"\r\n")
        self._drop(keep_from)
        self._in_part = False
        if not picture:
            return
        if len(picture) > MAX_UNIT_BYTES:
            raise ProtocolError("a picture of a multipart body is longer than 16 MiB")
        if picture.startswith(START_OF_IMAGE):
            self._strangers = 0
            pictures.append(picture)
            return
        self._strangers += 1
        if self._strangers > _MAX_STRANGERS:
            raise ProtocolError("the parts of a multipart body are no JPEG pictures")

    def _drop(self, count: int) -> None:
        del self._rest[:count]
        self._looked = 0


def _length(text: str) -> int | None:
    """What Content-Length says; None where it says nothing that can be used."""
    if not (text.isascii() and text.isdigit() and len(text) <= 9) or text.strip("0") == "":
        return None
    if (length := int(text)) > MAX_UNIT_BYTES:
        raise ProtocolError("a picture of a multipart body is longer than 16 MiB")
    return length
