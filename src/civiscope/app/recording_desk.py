"""When each channel is recorded, and what shall be recorded now: from policies, events, rules and people."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from civiscope.analytics import Phase
from civiscope.app.site import Site
from civiscope.base import AppError, ChannelId, ErrorKind, Span, get_log
from civiscope.devices import Camera, RecordingPolicy, RecordMode
from civiscope.events import Event, EventStore
from civiscope.recording import RecordingModes, StreamMode, Window
from civiscope.rules import RecordOrder

_SECOND_US = 1_000_000
_GOING_LIMIT = 1_000
"""Lasting events watched at once; above that the oldest are forgotten, as if they had ended."""
_LASTING_LIMIT_US = 3_600_000_000
_log = get_log("civiscope.app.server")


async def recording_modes(site: Site) -> RecordingModes:
    """Of every camera there is."""
    return modes_of(site.pages.site.time_zone, await site.devices.cameras())


def modes_of(time_zone: str, cameras: Sequence[Camera]) -> RecordingModes:
    """Only what is not recorded always is named."""
    streams = tuple(
        StreamMode(camera.main.id, camera.recording)
        for camera in cameras
        if camera.recording.mode is not RecordMode.CONTINUOUS
    )
    return RecordingModes(time_zone, streams)


class WindowOrders(Protocol):
    """The line to the recorder (`RecorderLink`)."""

    def want(self, windows: tuple[Window, ...]) -> None:
        """To be recorded; the recorder is told with the next question."""
        ...

    async def record(self, windows: tuple[Window, ...]) -> None:
        """The same, told at once; UNAVAILABLE while the recorder is away, and told again until it knows."""
        ...


class RecordingDesk:
    """Implements `rules.RecordingDesk` and the door's; `told` hears every event."""

    def __init__(self, site: Site, orders: WindowOrders, events: EventStore) -> None:
        self._devices = site.devices
        self._clock = site.clock
        self._orders = orders
        self._events = events
        self._knows_going = False
        self._going: dict[UUID, tuple[ChannelId, int]] = {}

    async def record(self, order: RecordOrder) -> None:
        """A rule's order, for each of its cameras; UNAVAILABLE (tried again) while the recorder is away."""
        for channel_id in order.channel_ids:
            await self.record_span(channel_id, order.span)

    async def record_span(self, channel_id: ChannelId, span: Span) -> None:
        """Record a channel, whatever its mode; MISSING for none, UNAVAILABLE while the recorder is away."""
        camera = await self._devices.camera(channel_id)
        await self._orders.record((Window(camera.main.id, span.start_us, span.end_us),))

    async def told(self, event: Event, phase: Phase) -> None:
        """Something happened: its channel is recorded, if that is what its policy waits for."""
        if event.channel_id is None:
            return
        if phase is Phase.ENDED:
            self._going.pop(event.id, None)
        policy = await self._policy(event.channel_id)
        if policy is None:
            return
        at_us = event.began_us if event.ended_us is None else max(event.began_us, event.ended_us)
        if phase is Phase.BEGAN and event.is_going_on:
            self._remember([event])
        try:
            await self.record_span(event.channel_id, _around(policy, at_us))
        except AppError as error:
            _log.warning("the recorder was not told of an event; it is tried again", why=error.message)

    async def go_on(self) -> None:
        """What lasts is recorded as long as it lasts, up to an hour."""
        if not self._knows_going:
            self._remember(await self._events.going_on())
            self._knows_going = True
        now_us = self._clock.now_us()
        for event_id, (channel_id, began_us) in list(self._going.items()):
            policy = await self._policy(channel_id)
            if policy is None or now_us - began_us > _LASTING_LIMIT_US:
                del self._going[event_id]
            else:
                span = _around(policy, now_us)
                stream_id = (await self._devices.camera(channel_id)).main.id
                self._orders.want((Window(stream_id, span.start_us, span.end_us),))

    def _remember(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.channel_id is not None:
                self._going[event.id] = (event.channel_id, event.began_us)
        while len(self._going) > _GOING_LIMIT:
            del self._going[next(iter(self._going))]

    async def _policy(self, channel_id: ChannelId) -> RecordingPolicy | None:
        """None: events change nothing there."""
        try:
            camera = await self._devices.camera(channel_id)
        except AppError as error:
            if error.kind is ErrorKind.MISSING:
                return None
            raise
        is_waiting = camera.removed_us is None and camera.recording.mode is RecordMode.ON_EVENT
        return camera.recording if is_waiting else None


def _around(policy: RecordingPolicy, at_us: int) -> Span:
    return Span(at_us - round(policy.pre_roll_s * _SECOND_US), at_us + round(policy.post_roll_s * _SECOND_US))
