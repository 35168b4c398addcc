"""One error type with ten kinds; `api` maps kinds to HTTP status codes in one table."""

from enum import StrEnum


class ErrorKind(StrEnum):
    """What sort of failure it is, for whoever has to decide what to do next."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    DENIED = "denied"
    MISSING = "missing"
    CONFLICT = "conflict"
    UNAVAILABLE = "unavailable"
    """Try again later."""
    EXHAUSTED = "exhausted"
    LOST_DATA = "lost_data"
    TIMEOUT = "timeout"
    INTERNAL = "internal"


class AppError(Exception):
    """A failure that a person will read: what failed, why, and what to do.

    `message` is safe to show to whoever asked: it carries no secret, no face and no plate.
    """

    def __init__(self, kind: ErrorKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message

    def __reduce__(self) -> tuple[type["AppError"], tuple[ErrorKind, str]]:
        return (AppError, (self.kind, self.message))


class Whose(StrEnum):
    """Whose fault a broken protocol is (after h11)."""

    LOCAL = "local"
    REMOTE = "remote"


class ProtocolError(AppError):
    """Bytes that no reading of the protocol allows. The only error a parser raises, whatever bytes come."""

    def __init__(self, message: str, whose: Whose = Whose.REMOTE) -> None:
        super().__init__(ErrorKind.INVALID, message)
        self.whose = whose

    def __reduce__(self) -> tuple[type["ProtocolError"], tuple[str, Whose]]:  # type: ignore[override]  # other args
        return (ProtocolError, (self.message, self.whose))
