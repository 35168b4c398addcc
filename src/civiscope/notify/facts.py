"""What notify says on the bus."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from civiscope.bus import Fact


@dataclass(frozen=True, slots=True)
class DeliveryFailed(Fact):
    """A message did not reach a target and is not tried again; the record of deliveries keeps it."""

    name: ClassVar[str] = "notify.delivery_failed"
    schema_version: ClassVar[int] = 1
    delivery_id: UUID
    target_id: UUID
    priority: str
    attempts: int
    why: str
