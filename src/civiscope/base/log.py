"""Logging with fields, one JSON object a line; repeated faults are counted, not repeated.

Secrets never enter a field: pass ids. As a second fence, `LogFormat` blanks the user-info part of any URL.
"""

import json
import logging
import logging.handlers
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from civiscope.base.clock import Clock, SystemClock

_USER_INFO = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*://)[^/\s@]+@")


def blank_user_info(text: str) -> str:
    """`rtsp://name:word@host/` becomes `rtsp://***@host/`."""
    return _USER_INFO.sub(r"\g<scheme>***@", text)


class LogFormat(logging.Formatter):
    """Writes a record as one JSON line: time, level, room, message, fields, traceback if any."""

    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, "fields", None) or {}
        line: dict[str, object] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}",
            "level": record.levelname.lower(),
            "room": record.name.removeprefix("civiscope."),
            "message": record.getMessage(),
            **{key: str(value) for key, value in fields.items()},
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return blank_user_info(json.dumps(line, ensure_ascii=False))


class Log:
    """A logger whose calls take fields: `log.info("stream lost", stream=stream_id, reason="timeout")`.

    The same message with the same fields within ten seconds is counted; the next one written says how many.
    """

    _QUIET_US = 10_000_000

    def __init__(
        self, name: str, clock: Clock | None = None, fields: Mapping[str, object] | None = None
    ) -> None:
        self._logger = logging.getLogger(name)
        self._clock = clock or SystemClock()
        self._fields = dict(fields or {})
        self._seen: dict[tuple[object, ...], tuple[int, int]] = {}

    def bind(self, **fields: object) -> "Log":
        """The same logger with these fields on every line."""
        return Log(self._logger.name, self._clock, {**self._fields, **fields})

    def debug(self, message: str, **fields: object) -> None:
        """For whoever debugs the program."""
        self._write(logging.DEBUG, message, fields)

    def info(self, message: str, **fields: object) -> None:
        """Something an operator may want to read afterwards."""
        self._write(logging.INFO, message, fields)

    def warning(self, message: str, **fields: object) -> None:
        """Something is wrong and the program copes."""
        self._write(logging.WARNING, message, fields)

    def error(self, message: str, **fields: object) -> None:
        """Something is wrong and a person must look."""
        self._write(logging.ERROR, message, fields)

    def exception(self, message: str, **fields: object) -> None:
        """An unexpected exception, whole; only at plugin load, task supervisor and request handler."""
        self._logger.error(message, exc_info=True, extra={"fields": {**self._fields, **fields}})

    def _write(self, level: int, message: str, fields: Mapping[str, object]) -> None:
        if not self._logger.isEnabledFor(level):
            return
        merged = {**self._fields, **fields}
        if level >= logging.WARNING:
            repeats = self._count_repeat((level, message, *sorted((k, str(v)) for k, v in merged.items())))
            if repeats is None:
                return
            if repeats:
                merged["repeated"] = repeats
        self._logger.log(level, message, extra={"fields": merged})

    def _count_repeat(self, key: tuple[object, ...]) -> int | None:
        """How many were swallowed since the last one written, or None if this one is swallowed too."""
        now_us = self._clock.monotonic_us()
        if len(self._seen) > 1000:
            self._seen.clear()
        last_us, count = self._seen.get(key, (None, 0))
        if last_us is not None and now_us - last_us < self._QUIET_US:
            self._seen[key] = (last_us, count + 1)
            return None
        self._seen[key] = (now_us, 0)
        return count


def get_log(name: str) -> Log:
    """A logger for a room or a part of it: `get_log("civiscope.ingest")`."""
    return Log(name)


def configure_logging(level: str = "info", stream: TextIO | None = None) -> None:
    """Send everything to `stream` (standard error) as JSON lines; called once per process, by `app`."""
    _write_with(logging.StreamHandler(stream or sys.stderr), level)


def log_to_file(level: str, path: Path, limit_bytes: int = 10 << 20, kept: int = 3) -> None:
    """Send everything to a file as JSON lines; earlier bytes in `<path>.1` …. A disk that fails loses lines.

    For the process whose terminal is for a person to read; called once, by `app`. Opens with the first line.
    """
    _write_with(_LogFile(path, maxBytes=limit_bytes, backupCount=kept, encoding="utf-8", delay=True), level)


class _LogFile(logging.handlers.RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  logging's name
        """Nothing: a full disk must not fill the terminal with tracebacks."""


def _write_with(handler: logging.Handler, level: str) -> None:
    handler.setFormatter(LogFormat())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
