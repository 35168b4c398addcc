"""Sees that what is held has its case's wrap beside it, and that the open vault's cases can be read."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from civiscope.base import AppError, Clock, get_log
from civiscope.evidence import Evidence
from civiscope.recording import HeldSpan, RecorderFace
from civiscope.security import CaseId, CaseKey, VaultDoor

_LOOK_EVERY_S = 10.0
_LOOK_AGAIN_US = 600_000_000
_SETTLED_AFTER_US = 2 * 3_600_000_000
"""So long after a held span its segments are closed; an import into it is found at a later look."""
_AT_ONCE = 1_000
_log = get_log("civiscope.app.server")


class HeldKeys(Protocol):
    """`recording.Archive`, as far as it makes wraps."""

    def case_wraps_wanting(
        self, spans: Sequence[HeldSpan], cases: Mapping[CaseId, CaseKey]
    ) -> tuple[bytes, ...]:
        """Wraps that are not there yet; blocks."""
        ...


class CaseKeeper:
    """One task of the server. What fails is told once and tried again; the site's wraps stay meanwhile."""

    def __init__(
        self, evidence: Evidence, door: VaultDoor, held: HeldKeys, recorder: RecorderFace, clock: Clock
    ) -> None:
        self._evidence = evidence
        self._door = door
        self._held = held
        self._clock = clock
        self._recorder = recorder
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._settled: dict[HeldSpan, int] = {}
        self._trouble = ""
        door.on_change(self._turned)

    def after(self, first: Callable[[], None]) -> Callable[[], None]:
        """What is called when a hold was made or ended: `first`, then a look."""

        def changed() -> None:
            first()
            self._wake.set()

        return changed

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._wake.clear()
            trouble = ""
            try:
                if self._door.state.is_open:
                    await self._look()
            except AppError as error:
                trouble = error.message
            if trouble and trouble != self._trouble:
                _log.warning("held hours have not got their case's key yet", why=trouble)
            self._trouble = trouble
            try:
                async with asyncio.timeout(_LOOK_EVERY_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _look(self) -> None:
        keys = await self._evidence.cases.keys(self._door.vault)
        self._door.keyring.unlock_cases(keys.values())
        open_spans = [one for one in await self._evidence.held_spans() if self._is_open(one)]
        if open_spans:
            await self._wrap(open_spans, keys)

    async def _wrap(self, spans: Sequence[HeldSpan], keys: Mapping[CaseId, CaseKey]) -> None:
        wraps = await asyncio.to_thread(self._held.case_wraps_wanting, spans, keys)
        for start in range(0, len(wraps), _AT_ONCE):
            await self._recorder.keep_case_wraps(wraps[start : start + _AT_ONCE])
        if not wraps:
            clock = self._clock
            for one in spans:
                if one.end_us + _SETTLED_AFTER_US < clock.now_us():
                    self._settled[one] = clock.monotonic_us()

    def _is_open(self, held: HeldSpan) -> bool:
        """Something of it may lack its wrap; the settled are looked at again now and then."""
        settled_us = self._settled.get(held)
        if settled_us is not None and self._clock.monotonic_us() - settled_us < _LOOK_AGAIN_US:
            return False
        self._settled.pop(held, None)
        return held.case_id is not None

    def _turned(self) -> None:
        """Called on the thread that opened or locked the vault."""
        self._loop.call_soon_threadsafe(self._wake.set)
