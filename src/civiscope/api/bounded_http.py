"""uvicorn's HTTP protocol with bounds it lacks: how long the head of a request may be, and may take.

Anybody who reaches the port may send a head; without bounds, an endless one fills the memory of the process.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_LIMIT_BYTES = 64 * 1024
HEAD_LIMIT_S = 15.0
"""From a request's first byte to the end of its headers, for every request of a connection."""


class BoundedHttp(HttpToolsProtocol):
    """One connection; a head over a bound ends it at once, without an answer."""

    _is_in_head = False
    _head_bytes = 0
    _deadline: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Bytes of the peer; counted for as long as they end within a head."""
        super().data_received(data)
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_LIMIT_BYTES:
                self.transport.abort()

    def on_message_begin(self) -> None:
        """A request's first byte."""
        super().on_message_begin()
        self._is_in_head, self._head_bytes = True, 0
        self._stop_deadline()
        self._deadline = self.loop.call_later(HEAD_LIMIT_S, self._too_slow)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._is_in_head = False
        self._stop_deadline()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer is gone."""
        self._stop_deadline()
        super().connection_lost(exc)

    def _too_slow(self) -> None:
        self.transport.abort()

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
