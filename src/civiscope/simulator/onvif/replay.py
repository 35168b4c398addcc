"""Captured ONVIF answers and notifications, given again byte for byte."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class OnvifReplay:
    """What real devices once said; everything else is answered as ever, and logins are asked for."""

    replies: Mapping[str, bytes] = field(default_factory=dict)
    """Operation, such as `GetStreamUri` → the whole SOAP envelope."""
    notifications: tuple[bytes, ...] = ()
    """wsnt:NotificationMessage elements, told once to every new pull point."""

    @classmethod
    def load(cls, *files: Path) -> "OnvifReplay":
        """From files: `…_<operation>Response.xml` is an answer, every other .xml a notification. Blocks."""
        replies: dict[str, bytes] = {}
        notifications = []
        for path in files:
            operation = path.stem.rpartition("_")[2]
            if operation.endswith("Response"):
                replies[operation.removesuffix("Response")] = path.read_bytes()
            else:
                notifications.append(path.read_bytes())
        return cls(replies, tuple(notifications))
