"""What happened, in words for a list of alarms and a message."""

from civiscope.events import Event

_PHRASES = {
    "zone.entered": "{thing} entered {zone}",
    "zone.present": "{thing} is in {zone}",
    "zone.left": "{thing} left {zone}",
    "line.crossed": "{thing} crossed {zone}",
    "device.motion": "The camera reports motion",
    "device.input": "An input of the device changed",
    "device.line_crossed": "The camera reports a crossing",
    "device.intrusion": "The camera reports somebody in its field",
    "device.loitering": "The camera reports loitering",
    "device.person": "The camera reports a person",
    "device.vehicle": "The camera reports a vehicle",
    "device.animal": "The camera reports an animal",
    "device.tamper": "The camera reports that it was tampered with",
    "device.picture": "The camera reports that its picture is bad",
    "device.sound": "The camera reports a sound",
    "device.failure": "The device reports a failure",
}


def phrase(event: Event, otherwise: str) -> str:
    """A sentence without a full stop; `otherwise` for a kind that has none."""
    form = _PHRASES.get(event.kind)
    if form is None:
        return otherwise
    thing = (event.object_class or "something").replace("_", " ").capitalize()
    return form.format(thing=thing, zone=event.zone or "a zone")
