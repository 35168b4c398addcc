"""A file sent piece by piece, no faster than it is taken, and let go of as soon as the reader is gone."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping

from starlette.responses import StreamingResponse
from starlette.types import Send


class Download(StreamingResponse):
    """Streams `pieces`; starlette cancels it when the peer disconnects (ASGI HTTP 2.3, `http.disconnect`)."""

    def __init__(
        self, first: bytes, pieces: AsyncIterator[bytes], media_type: str, headers: Mapping[str, str]
    ) -> None:
        super().__init__(pieces, media_type=media_type, headers=headers)
        self._first = first
        self._pieces = pieces

    @classmethod
    async def begin(
        cls, pieces: AsyncIterator[bytes], media_type: str, headers: Mapping[str, str]
    ) -> "Download":
        """Wait for the first piece: a failure before it is told as one, not as a torn file."""
        return cls(await anext(pieces, b""), pieces, media_type, headers)

    async def stream_response(self, send: Send) -> None:
        """Each piece waits until the one before is taken."""
        start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        await send(start)
        try:
            await send({"type": "http.response.body", "body": self._first, "more_body": True})
            async for piece in self._pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                await asyncio.sleep(0)  # to a peer that left, `send` returns at once: let the end be heard
        finally:
            await let_go(self._pieces)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def let_go(pieces: AsyncIterator[bytes]) -> None:
    """Close the source now, instead of whenever the collector comes by."""
    if isinstance(pieces, AsyncGenerator):
        await pieces.aclose()
