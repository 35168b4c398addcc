"""A peer that answers with captured bytes: real cameras' replies on a real socket."""

import asyncio
import re
from collections.abc import Mapping, Sequence

from civiscope.base import ProtocolError
from civiscope.media.wire import (
    InterleavedFrame,
    RtspHeaders,
    RtspParser,
    RtspRequest,
    RtspResponse,
    write_response,
)

_CSEQ = re.compile(rb"(?im)^(CSeq):[^\r\n]*")


def as_description(sdp: bytes) -> bytes:
    """A DESCRIBE answer around a session description that was captured alone."""
    headers = RtspHeaders([("CSeq", "0"), ("Content-Type", "application/sdp")])
    return write_response(RtspResponse(200, "OK", headers, sdp))


class ReplayPeer:
    """Serves one script to every connection.

    `replies` holds captured answers by method, in order; the last one is repeated, a method without any gets
    a bare 200. Their CSeq line, spelt as captured, is given the request's number. `after_play` is sent behind
    the PLAY answer as it is: interleaved frames, or whatever a camera once sent.
    """

    def __init__(
        self, replies: Mapping[str, Sequence[bytes]], *, after_play: bytes = b"", host: str = "127.0.0.1"
    ) -> None:
        self._replies = {method: list(answers) for method, answers in replies.items()}
        self._after_play = after_play
        self._host = host
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.requests: list[RtspRequest] = []
        """All that came, over all connections."""

    @property
    def url(self) -> str:
        """Where it listens, with a path."""
        assert self._server is not None
        return f"rtsp://{self._host}:{self._server.sockets[0].getsockname()[1]}/replay"

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, self._host, 0)

    async def stop(self) -> None:
        """Close the port and all connections."""
        if self._server is not None:
            self._server.close()
            for writer in list(self._open):
                writer.transport.abort()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        parser = RtspParser()
        given: dict[str, int] = {}
        try:
            while data := await reader.read(65536):
                for message in parser.feed(data):
                    if isinstance(message, RtspRequest):
                        self.requests.append(message)
                        writer.write(self._answer(message, given))
                    else:
                        assert isinstance(message, InterleavedFrame | RtspResponse)
        except (ProtocolError, ConnectionError):
            return
        finally:
            self._open.discard(writer)
            writer.close()

    def _answer(self, request: RtspRequest, given: dict[str, int]) -> bytes:
        number = str(request.cseq or 0)
        answers = self._replies.get(request.method)
        if not answers:
            return write_response(RtspResponse(200, "OK", RtspHeaders([("CSeq", number)])))
        turn = given.get(request.method, 0)
        given[request.method] = turn + 1
        head, blank, body = answers[min(turn, len(answers) - 1)].partition(b"\r\n\r\n")
        head = _CSEQ.sub(lambda match: match[1] + b": " + number.encode("ascii"), head, count=1)
        return head + blank + body + (self._after_play if request.method == "PLAY" else b"")
