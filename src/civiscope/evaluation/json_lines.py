"""Where in a JSON text each value stands, so that a fault in a file can name its line."""

import json
from typing import Any

from civiscope.base import AppError, ErrorKind

_DEPTH_LIMIT = 64
_SPACE = " \t\r\n"
_DECODER = json.JSONDecoder()

Path = tuple[str | int, ...]


class JsonText:
    """A parsed JSON text: `value`, and `line_of` any place in it (the nearest one that is there)."""

    def __init__(self, name: str, text: str) -> None:
        """INVALID in words with the line of the fault, when it is no JSON or nests too deep."""
        try:
            self.value: Any = json.loads(text)
        except json.JSONDecodeError as error:
            raise AppError(ErrorKind.INVALID, f"{name}, line {error.lineno}: {error.msg}.") from error
        except RecursionError as error:
            raise AppError(ErrorKind.INVALID, f"{name}: it nests too deep.") from error
        self._name = name
        self._text = text
        self._places: dict[Path, int] = {}
        self._walk((), 0)

    def line_of(self, path: Path) -> int:
        """The line, from 1, of the value at this path, or of what would hold it."""
        while path and path not in self._places:
            path = path[:-1]
        return self._text.count("\n", 0, self._places[path]) + 1

    def _walk(self, path: Path, at: int) -> int:
        """Note where the value at `at` begins; the place behind it."""
        at = self._skip(at)
        self._places[path] = at
        if len(path) > _DEPTH_LIMIT:
            raise AppError(ErrorKind.INVALID, f"{self._name}: it nests deeper than {_DEPTH_LIMIT}.")
        first = self._text[at]
        if first == "{":
            return self._object(path, at)
        if first == "[":
            return self._array(path, at)
        if first == '"':
            return _DECODER.raw_decode(self._text, at)[1]
        while at < len(self._text) and self._text[at] not in _SPACE + ",]}":
            at += 1
        return at

    def _object(self, path: Path, at: int) -> int:
        at = self._skip(at + 1)
        while self._text[at] != "}":
            key, at = _DECODER.raw_decode(self._text, self._skip(at))
            at = self._skip(at) + 1  # the colon
            at = self._after(self._walk((*path, key), at), "}")
        return at + 1

    def _array(self, path: Path, at: int) -> int:
        at, index = self._skip(at + 1), 0
        while self._text[at] != "]":
            at = self._after(self._walk((*path, index), at), "]")
            index += 1
        return at + 1

    def _after(self, at: int, end: str) -> int:
        """Over a comma, if one stands there before the end."""
        at = self._skip(at)
        return at if self._text[at] == end else self._skip(at + 1)

    def _skip(self, at: int) -> int:
        while at < len(self._text) and self._text[at] in _SPACE:
            at += 1
        return at
