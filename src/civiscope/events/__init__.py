"""Everything that happened, of any source, in one shape, kept and searchable.

Facts in: `ObservationMade`, `CoverageChanged`, `DeviceNotified`.
Facts out: none (listeners that `app` wires).
Invariants: an event is stored once by its id, however often it is told; what is written is batched, never
waited for by a camera; no search reads more than its limits; a picture lies here sealed only.
"""
