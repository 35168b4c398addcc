"""What a device says, as events that are told: one table of topics, and what of it lasts.

Topics are ONVIF's without prefixes (Event Service, Imaging, Device IO, Analytics), and those of makers as
captured (`tapo__*`, `generic__*`). A topic with a boolean item is a state: true begins it, false ends it.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from civiscope.analytics import Phase
from civiscope.base import ChannelId
from civiscope.devices import DeviceNotified
from civiscope.events.model import Event, EventSource, EventTold

OTHER = "device.other"
KIND_OF_TOPIC = {
    "RuleEngine/CellMotionDetector/Motion": "device.motion",
    "RuleEngine/MotionRegionDetector/Motion": "device.motion",
    "VideoSource/MotionAlarm": "device.motion",
    "VideoAnalytics/MotionDetection": "device.motion",
    "Device/Trigger/DigitalInput": "device.input",
    "Device/IO/Port": "device.input",
    "Device/Trigger/Relay": "device.relay",
    "RuleEngine/LineDetector/Crossed": "device.line_crossed",
    "RuleEngine/LineCounter/Count": "device.line_crossed",
    "RuleEngine/CellMotionDetector/LineCross": "device.line_crossed",
    "RuleEngine/LineCrossDetector/LineCross": "device.line_crossed",
    "RuleEngine/FieldDetector/ObjectsInside": "device.intrusion",
    "RuleEngine/CellMotionDetector/Intrusion": "device.intrusion",
    "RuleEngine/IntrusionDetector/Intrusion": "device.intrusion",
    "RuleEngine/LoiteringDetector/ObjectIsLoitering": "device.loitering",
    "RuleEngine/Loitering": "device.loitering",
    "RuleEngine/PeopleDetector/People": "device.person",
    "RuleEngine/CellMotionDetector/People": "device.person",
    "RuleEngine/MyRuleDetector/PeopleDetect": "device.person",
    "RuleEngine/MyRuleDetector/VehicleDetect": "device.vehicle",
    "RuleEngine/MyRuleDetector/DogCatDetect": "device.animal",
    "RuleEngine/TPSmartEventDetector/TPSmartEvent": "device.smart",
    "RuleEngine/CellMotionDetector/TpSmartEvent": "device.smart",
    "RuleEngine/TamperDetector/Tamper": "device.tamper",
    "RuleEngine/CellMotionDetector/Tamper": "device.tamper",
    "VideoSource/GlobalSceneChange/ImagingService": "device.tamper",
    "VideoSource/GlobalSceneChange/AnalyticsService": "device.tamper",
    "VideoSource/ImageTooBlurry/ImagingService": "device.picture",
    "VideoSource/ImageTooDark/ImagingService": "device.picture",
    "VideoSource/ImageTooBright/ImagingService": "device.picture",
    "VideoSource/SignalLoss": "device.picture",
    "AudioAnalytics/Audio/DetectedSound": "device.sound",
    "Device/HardwareFailure/FanFailure": "device.failure",
    "Device/HardwareFailure/PowerSupplyFailure": "device.failure",
    "Device/HardwareFailure/StorageFailure": "device.failure",
    "Device/HardwareFailure/TemperatureCritical": "device.failure",
}
"""The one table; a topic that is not in it is `device.other`, with the topic among the values."""
_CLASS_OF_KIND = {"device.person": "person", "device.vehicle": "vehicle", "device.animal": "animal"}
_KIND_OF_ITEM = {"IsPeople": "device.person", "IsVehicle": "device.vehicle", "IsPet": "device.animal"}
"""Smart events of one topic say by the item what they saw."""
_WORDS = {"true": True, "active": True, "false": False, "inactive": False}
_DIGITS = {"1": True, "0": False}
"""Only where the item's name says that it is a state: a count of 1 is none."""
_OPERATION = "operation"
"""Among the values it stands between what the source is and what was said of it."""
_INITIALIZED = "initialized"
_DELETED = "deleted"
_TRUSTED_CLOCK_US = 60_000_000
_SILENT_US = 60_000_000
"""A state that is said to be on again after longer than this has ended in between, unheard."""
_KNOWN_STATES = 20_000


_Key = tuple[UUID, str, tuple[tuple[str, str], ...]]
"""Device, topic, and which part of the device."""


@dataclass(frozen=True, slots=True)
class _Lasting:
    """A state that is on, as far as was heard."""

    event: Event
    last_us: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What is to be stored of one notification, in order, and what is on then; see `DeviceStates.settle`."""

    told: tuple[EventTold, ...] = ()
    key: _Key | None = None
    """None: no state changes."""
    lasting: _Lasting | None = None
    """None: it is off."""


class DeviceStates:
    """Turns notifications into events, and remembers which states are on. Pure but for that memory."""

    def __init__(self) -> None:
        self._on: OrderedDict[_Key, _Lasting] = OrderedDict()

    def remember(self, going_on: Iterable[Event]) -> None:
        """What the store says is not over, after a restart."""
        for event in going_on:
            topic = dict(event.values).get("topic")
            if event.source is EventSource.DEVICE and event.source_id is not None and topic:
                key = (event.source_id, topic, _source_of(event))
                self._on.setdefault(key, _Lasting(event, event.began_us))

    def hear(self, event_id: UUID, said_us: int, fact: DeviceNotified, channel_id: ChannelId | None) -> Heard:
        """What is to be stored; nothing is remembered before `settle`. `said_us`: by our clock."""
        at_us = fact.at_us if abs(fact.at_us - said_us) <= _TRUSTED_CLOCK_US else said_us
        event = _event(event_id, at_us, fact, channel_id)
        state = _state_of(fact.data)
        if state is None:
            is_report = fact.operation.lower() in {_INITIALIZED, _DELETED}
            return Heard() if is_report else Heard((EventTold(event, Phase.OCCURRED),))
        key = (fact.device_id, fact.topic, _source_of(event))
        known = self._on.get(key)
        if state and fact.operation.lower() != _DELETED:
            return _begins(key, known, event)
        return Heard() if known is None else Heard((_ended(known.event, at_us),), key)

    def settle(self, heard: Heard) -> None:
        """It is stored; before that, the same notification may be heard again."""
        if heard.key is None:
            return
        self._on.pop(heard.key, None)
        if heard.lasting is not None:
            self._on[heard.key] = heard.lasting
        while len(self._on) > _KNOWN_STATES:
            self._on.popitem(last=False)


def _begins(key: _Key, known: _Lasting | None, event: Event) -> Heard:
    if known is not None and known.event.id != event.id and 0 <= event.began_us - known.last_us <= _SILENT_US:
        return Heard((), key, _Lasting(known.event, event.began_us))
    is_new = known is not None and known.event.id != event.id
    before = (_ended(known.event, known.last_us),) if known is not None and is_new else ()
    return Heard((*before, EventTold(event, Phase.BEGAN)), key, _Lasting(event, event.began_us))


def kind_of(topic: str, data: Iterable[tuple[str, str]] = ()) -> str:
    """By the table, and for smart events by the item that is true."""
    kind = KIND_OF_TOPIC.get(topic, OTHER)
    if kind not in {"device.smart", "device.person"}:
        return kind
    named = (_KIND_OF_ITEM[name] for name, _ in data if name in _KIND_OF_ITEM)
    return next(named, kind)


def _event(event_id: UUID, at_us: int, fact: DeviceNotified, channel_id: ChannelId | None) -> Event:
    kind = kind_of(fact.topic, fact.data)
    return Event(
        id=event_id,
        channel_id=channel_id,
        source=EventSource.DEVICE,
        source_id=fact.device_id,
        plugin="",
        kind=kind,
        began_us=at_us,
        object_class=_CLASS_OF_KIND.get(kind),
        values=(("topic", fact.topic), *fact.source, (_OPERATION, fact.operation), *fact.data),
    )


def _ended(event: Event, at_us: int) -> EventTold:
    over = Event(
        id=event.id, channel_id=event.channel_id, source=event.source, source_id=event.source_id,
        plugin=event.plugin, kind=event.kind, began_us=max(at_us, event.began_us),
        object_class=event.object_class, values=event.values,
    )  # fmt: skip
    return EventTold(over, Phase.ENDED)


def _state_of(data: Iterable[tuple[str, str]]) -> bool | None:
    """On or off by the first item that says so; None: it is no state."""
    for name, value in data:
        known = _WORDS.get(value.lower())
        if known is None and (name.startswith("Is") or name.endswith("State")):
            known = _DIGITS.get(value)
        if known is not None:
            return known
    return None


def _source_of(event: Event) -> tuple[tuple[str, str], ...]:
    """The items that say which part of the device it is."""
    names = [name for name, _ in event.values]
    return event.values[1 : names.index(_OPERATION)] if _OPERATION in names else ()
