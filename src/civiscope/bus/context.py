"""Who asks, and in which trace: travels with a call across processes, and into facts said during it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from civiscope.base import PrincipalId, new_id


@dataclass(frozen=True, slots=True)
class CallContext:
    """The person or process on whose behalf something is done, and the trace that joins its log lines."""

    trace_id: UUID
    principal_id: PrincipalId | None = None


_current: ContextVar[CallContext | None] = ContextVar("civiscope_call", default=None)


def current_call() -> CallContext:
    """The context of the running call or handler; a fresh trace and nobody where there is none."""
    return _current.get() or CallContext(new_id())


@contextmanager
def calling(context: CallContext) -> Iterator[None]:
    """Everything awaited inside is done in this context."""
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)
