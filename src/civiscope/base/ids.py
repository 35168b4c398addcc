"""Identity: UUIDv7 everywhere outside a process, never made from a name or an address (RFC 9562 §5.7)."""

import os
import threading
import time
from typing import NewType
from uuid import UUID

OrganisationId = NewType("OrganisationId", UUID)
SiteId = NewType("SiteId", UUID)
NodeId = NewType("NodeId", UUID)
DeviceId = NewType("DeviceId", UUID)
ChannelId = NewType("ChannelId", UUID)
StreamId = NewType("StreamId", UUID)
RunId = NewType("RunId", UUID)
SegmentId = NewType("SegmentId", UUID)
PrincipalId = NewType("PrincipalId", UUID)
FactId = NewType("FactId", UUID)
CaseId = NewType("CaseId", UUID)


class _Uuid7Maker:
    """Makes UUIDv7 values that increase strictly within this process (RFC 9562 §6.2, method 1)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last_ms = 0
        self._counter = 0

    def make(self) -> UUID:
        with self._lock:
            now_ms = max(time.time_ns() // 1_000_000, self._last_ms)
            if now_ms == self._last_ms:
                self._counter += 1
                if self._counter > 0xFFF:
                    now_ms += 1
                    self._counter = 0
            else:
                self._counter = int.from_bytes(os.urandom(2)) & 0x7FF
            self._last_ms = now_ms
            counter = self._counter
        tail = int.from_bytes(os.urandom(8)) & 0x3FFF_FFFF_FFFF_FFFF
        return UUID(int=(now_ms & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | counter << 64 | 0x2 << 62 | tail)


_maker = _Uuid7Maker()


def made_at_us(identity: UUID) -> int:
    """When a UUIDv7 was made, by the clock of who made it; UTC, to the millisecond (RFC 9562 §5.7)."""
    return (identity.int >> 80) * 1000


def new_id() -> UUID:
    """A fresh UUIDv7: unique everywhere, and increasing within this process."""
    return _maker.make()
