"""Blocking reads of recordings in a few threads, bounded in number, time and waiting."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from civiscope.base import AppError, ErrorKind

T = TypeVar("T")
_END = object()


class ReaderPool:
    """A few threads for disk and decryption; the event loop never waits for either."""

    def __init__(self, threads: int, queue: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="viewing-reader")
        self._limit = threads + queue
        self._waiting = 0

    async def run(self, work: Callable[[Callable[[], bool]], T], limit_s: float) -> T:
        """The result of `work(cancelled)`; TIMEOUT after `limit_s`, EXHAUSTED when too many wait.

        `work` should ask `cancelled()` now and then: once nobody waits for it, it is only in the way.
        """
        if self._waiting >= self._limit:
            raise AppError(
                ErrorKind.EXHAUSTED, "Too many people read recordings at once. Try again in a moment."
            )
        cancelled = threading.Event()
        self._waiting += 1
        future = asyncio.get_running_loop().run_in_executor(self._executor, work, cancelled.is_set)
        future.add_done_callback(self._done)
        try:
            async with asyncio.timeout(limit_s):
                return await future
        except TimeoutError:
            raise AppError(
                ErrorKind.TIMEOUT,
                f"The recording could not be read within {limit_s:g} s. The disk may be busy.",
            ) from None
        finally:
            cancelled.set()

    def _done(self, future: "asyncio.Future[T]") -> None:
        self._waiting -= 1
        if not future.cancelled():
            future.exception()

    async def iterate(self, make: Callable[[], Iterator[T]], step_s: float) -> AsyncGenerator[T, None]:
        """The items of a blocking iterator, one read ahead of none: it waits for who takes them."""
        iterator = await self.run(lambda _: make(), step_s)
        try:
            while (item := await self.run(lambda _: next(iterator, _END), step_s)) is not _END:
                yield item  # type: ignore[misc]  # not the sentinel
        finally:
            close = getattr(iterator, "close", None)
            if close is not None:
                self._executor.submit(_close, close)

    def close(self) -> None:
        """Take no more work; what runs is not waited for."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def _close(close: Callable[[], None]) -> None:
    try:
        close()
    except ValueError:  # the generator still runs in a thread that timed out; it ends there
        return
