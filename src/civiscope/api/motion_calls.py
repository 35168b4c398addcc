"""The next motion in a recording, or the one before, by the sizes of coded pictures: nothing is decoded."""

import asyncio
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request

from civiscope.api.calls import Call
from civiscope.api.faces import Faces
from civiscope.api.guard import visitor_of
from civiscope.api.shapes import TimeUs
from civiscope.base import ChannelId, Span, StreamId
from civiscope.security import Permission, authorise_on

_BLOCK_US = 900_000_000
_BLOCKS_MOST = 96
"""A day at once; the answer says how far it searched."""
_AT_ONCE = 2
_BEFORE_US = 1_000_000
"""Whoever stands at the beginning of a motion wants the one before it."""


class Direction(StrEnum):
    """Which way to search."""

    NEXT = "next"
    PREVIOUS = "previous"


class MotionCalls:
    """The handler of `/channels/{channel_id}/motion`."""

    def __init__(self, faces: Faces) -> None:
        self._faces = faces
        self._searching = asyncio.Semaphore(_AT_ONCE)

    def calls(self) -> list[Call]:
        """The rows of the table."""
        return [
            Call("GET", "/channels/{channel_id}/motion", Permission.VIDEO_PLAYBACK, self.motion, scoped=True)
        ]

    async def motion(
        self,
        request: Request,
        channel_id: UUID,
        from_us: Annotated[TimeUs, Query()],
        direction: Annotated[Direction, Query()] = Direction.NEXT,
    ) -> dict[str, object]:
        """The nearest motion behind or before a moment, within a day of it."""
        authorise_on(visitor_of(request).principal, Permission.VIDEO_PLAYBACK, ChannelId(channel_id))
        camera = await self._faces.devices.camera(ChannelId(channel_id))
        searched = Span(from_us, from_us)
        for block in self._blocks(from_us, direction):
            async with self._searching:
                found = await asyncio.to_thread(self._in_block, camera.main.id, block, direction)
            searched = Span(min(searched.start_us, block.start_us), max(searched.end_us, block.end_us))
            if found is not None:
                return _answer(found, searched)
        return _answer(None, searched)

    def _blocks(self, from_us: int, direction: Direction) -> list[Span]:
        """Quarters of an hour away from the moment; none in the future, none before 1970."""
        if direction is Direction.NEXT:
            now_us = self._faces.clock.now_us()
            starts = [from_us + 1 + number * _BLOCK_US for number in range(_BLOCKS_MOST)]
            return [Span(start, min(start + _BLOCK_US, now_us)) for start in starts if start < now_us]
        ends = [from_us - _BEFORE_US - number * _BLOCK_US for number in range(_BLOCKS_MOST)]
        return [Span(max(0, end - _BLOCK_US), end) for end in ends if end > 0]

    def _in_block(self, stream_id: StreamId, block: Span, direction: Direction) -> Span | None:
        found = self._faces.timelines.motion(stream_id, block)
        if not found:
            return None
        return found[0] if direction is Direction.NEXT else found[-1]


def _answer(found: Span | None, searched: Span) -> dict[str, object]:
    motion = None if found is None else {"start_us": found.start_us, "end_us": found.end_us}
    return {"motion": motion, "searched": {"start_us": searched.start_us, "end_us": searched.end_us}}
