"""All viewers over WebRTC: a bounded number, each let go when his look ends or he does not come."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager

from civiscope.base import AppError, Clock, ErrorKind, get_log
from civiscope.media import TrackConfig
from civiscope.viewing.live_queue import LiveQueue
from civiscope.viewing.live_stream import AWAY_REASONS
from civiscope.viewing.model import LiveState, LiveStateName, SentPicture
from civiscope.viewing.settings import ViewingSettings
from civiscope.viewing.whep_offer import read_offer
from civiscope.viewing.whep_peer import WhepPeer, require_h264

_log = get_log("civiscope.viewing.whep")
Watching = Callable[[], AbstractContextManager[LiveQueue]]
"""Takes a look's live pictures for as long as the context lasts, and notes what was seen."""


class WhepDesk:
    """Answers offers and keeps the peers; `run()` must run beside it."""

    def __init__(self, clock: Clock, settings: ViewingSettings) -> None:
        self._clock = clock
        self._settings = settings
        self._group: asyncio.TaskGroup | None = None
        self._peers: dict[LiveQueue, WhepPeer] = {}
        self.count = 0
        """Peers that are open, or just being answered."""

    async def run(self) -> None:
        """Keep the peers until cancelled; then all are hung up on."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                await asyncio.get_running_loop().create_future()
        finally:
            self._group = None

    async def open(self, offer: str, address: str, watching: Watching) -> str:
        """The answer for a viewer who then connects to a port of `address`, an address of this machine.

        INVALID for an offer or a stream without H.264, EXHAUSTED, UNAVAILABLE while no picture comes.
        """
        wanted = read_offer(offer)
        if self._group is None:
            raise AppError(ErrorKind.UNAVAILABLE, "The server is stopping. Connect again in a moment.")
        if self.count >= self._settings.whep_peers:
            raise AppError(
                ErrorKind.EXHAUSTED,
                f"{self._settings.whep_peers} viewers watch over WebRTC already. Use the WebSocket.",
            )
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.count += 1
        self._group.create_task(self._keep(wanted, address, watching, answer))
        return await answer

    def last_sent(self, queue: LiveQueue) -> SentPicture | None:
        """What the viewer with this queue was sent last; None while nothing was, or there is none."""
        peer = self._peers.get(queue)
        return peer.last_sent if peer is not None else None

    async def _keep(
        self, offer: str, address: str, watching: Watching, answer: "asyncio.Future[str]"
    ) -> None:
        """One viewer from his offer to his end; nothing he causes ends anything else."""
        try:
            await self._serve(offer, address, watching, answer)
        except AppError as error:
            _refuse(answer, error)
        except Exception as error:  # the edge of a supervised task: one viewer's fault stays his own
            _log.exception("a WebRTC viewer failed", error=type(error).__name__)
            _refuse(answer, AppError(ErrorKind.INTERNAL, "WebRTC failed here. Use the WebSocket."))
        finally:
            self.count -= 1
            _refuse(answer, AppError(ErrorKind.UNAVAILABLE, "The server is stopping. Connect again."))

    async def _serve(
        self, offer: str, address: str, watching: Watching, answer: "asyncio.Future[str]"
    ) -> None:
        peer: WhepPeer | None = None
        try:
            with watching() as queue:
                peer = self._peers[queue] = WhepPeer(await self._track(queue), queue, self._clock)
                found = await peer.answer(offer, address)
                if not answer.done():
                    answer.set_result(found)
                    await peer.run(self._settings.whep_connect_s)
        finally:
            if peer is not None:
                self._peers = {queue: one for queue, one in self._peers.items() if one is not peer}
                await peer.close()

    async def _track(self, queue: LiveQueue) -> TrackConfig:
        """The pictures' track, once it is known; UNAVAILABLE with the reason while there is none.

        A process of ours that is being started again is waited for, like a first picture.
        """
        why = "No picture has come yet. Try again."
        try:
            async with asyncio.timeout(self._settings.whep_picture_s):
                while (message := await queue.take()) is not None:
                    content = message.content
                    if isinstance(content, tuple):
                        return require_h264(content)
                    if isinstance(content, LiveState) and content.name is LiveStateName.LOST:
                        why = f"No picture comes: {content.detail}"
                        if content.reason not in AWAY_REASONS:
                            raise AppError(ErrorKind.UNAVAILABLE, why)
        except TimeoutError:
            raise AppError(ErrorKind.UNAVAILABLE, why) from None
        raise AppError(ErrorKind.MISSING, "This look has ended. Open a new one.")


def _refuse(answer: "asyncio.Future[str]", error: AppError) -> None:
    if not answer.done():
        answer.set_exception(error)
