"""Tasks that have an owner: they end with it, and what they raise is written down."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from civiscope.base import Log


class TaskSet:
    """Starts tasks, forgets the finished, cancels and awaits the rest on `close`."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, coroutine: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run it; the set keeps it alive."""
        task = asyncio.get_running_loop().create_task(self._watched(coroutine, name), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Cancel everything and wait until it has ended; never cancels the task that closes."""
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watched(self, coroutine: Coroutine[Any, Any, None], name: str) -> None:
        try:
            await coroutine
        except Exception:  # the task supervisor's edge: written whole, and the others go on
            self._log.exception("a task ended in an error nobody expected", task=name)
