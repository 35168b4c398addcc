"""One socket of alarms: counts first, then each change of what is one's own, until it is over.

Who watches is asked for at every message, so that a right taken away takes effect with the next change, and
at the latest after `RECHECK_S`. A slow watcher gets the newest state of each alarm; one that takes nothing
for long is sent away.
"""

import asyncio
import contextlib
import json
from typing import Any

from starlette.websockets import WebSocket

from civiscope.alarms import AlarmChanges, may_handle
from civiscope.api.alarm_shapes import alarm_shape, counts_shape
from civiscope.api.faces import Faces
from civiscope.api.guard import Guard, bearer_of, refuse_foreign_fetch, require_same_origin
from civiscope.api.live import Goodbye, goodbye_for, ping_of, stopped
from civiscope.base import AppError, ErrorKind
from civiscope.security import Permission, Principal, authorise_somewhere

RECHECK_S = 5.0
_SEND_LIMIT_S = 30.0


class AlarmSocket:
    """Runs one socket from accepting to closing."""

    def __init__(self, socket: WebSocket, faces: Faces, guard: Guard) -> None:
        self._socket = socket
        self._faces = faces
        self._guard = guard

    async def run(self, stopping: asyncio.Event) -> None:
        """Returns when the socket is closed."""
        try:
            refuse_foreign_fetch(self._socket)
            if bearer_of(self._socket) is None:
                require_same_origin(self._socket)
        except AppError:
            await self._socket.close(4403)  # before accepting: a plain 403
            return
        await self._socket.accept()
        try:
            visitor = await self._guard.visitor(self._socket)
            authorise_somewhere(visitor.principal, Permission.ALARM_HANDLE)
        except AppError as error:
            await self._close(goodbye_for(error))
            return
        tasks = (
            asyncio.create_task(self._write(visitor.principal)),
            asyncio.create_task(self._read()),
            asyncio.create_task(stopped(stopping)),
        )
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        goodbye = next(task for task in tasks if task in done).result()
        if goodbye is not None:
            await self._close(goodbye)

    async def _write(self, principal: Principal) -> Goodbye | None:
        try:
            with self._faces.alarms.changes() as changes:
                await self._tell_counts(principal)
                while True:
                    principal = await self._next(changes, principal)
        except AppError as error:
            return goodbye_for(error)
        except TimeoutError:
            return goodbye_for(
                AppError(ErrorKind.TIMEOUT, "You take nothing of what is sent. Connect again.")
            )
        except OSError:  # uvicorn's ClientDisconnected: the peer has left
            return None

    async def _next(self, changes: AlarmChanges, principal: Principal) -> Principal:
        """Tell what changed next, if anything does soon; who watches, with the rights of now."""
        changed: tuple[Any, ...] = ()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RECHECK_S):
                changed = await anext(changes)
        now = await self._faces.accounts.principal_now(principal)
        authorise_somewhere(now, Permission.ALARM_HANDLE)
        assert now is not None
        mine = [alarm for alarm in changed if may_handle(now, alarm)]
        for alarm in mine:
            await self._send({"alarm": alarm_shape(alarm)})
        if mine:
            await self._tell_counts(now)
        return now

    async def _tell_counts(self, principal: Principal) -> None:
        await self._send({"counts": counts_shape(await self._faces.alarms.counts(principal))})

    async def _send(self, message: dict[str, Any]) -> None:
        async with asyncio.timeout(_SEND_LIMIT_S):
            await self._socket._send({"type": "websocket.send", "text": json.dumps(message)})

    async def _read(self) -> Goodbye | None:
        """Answer pings (`{"ping": n}`) with `{"pong": n}`; anything else a peer says is passed over."""
        while True:
            message = await self._socket._receive()
            if message["type"] == "websocket.disconnect":
                return None
            number = ping_of(message.get("text") or "")
            if number is not None:
                await self._send({"pong": number})

    async def _close(self, goodbye: Goodbye) -> None:
        reason = goodbye.words.encode()[:123].decode(errors="ignore")
        await self._socket._send({"type": "websocket.close", "code": goodbye.code, "reason": reason})
