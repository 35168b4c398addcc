"""Facts: what happened, in the past tense, as frozen values; and the envelope each travels in."""

from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import msgspec

from civiscope.base import (
    AppError,
    ErrorKind,
    FactId,
    NodeId,
    OrganisationId,
    PrincipalId,
    SiteId,
)

F = TypeVar("F", bound="Fact")
BODY_LIMIT_BYTES = 256 * 1024
"""A fact is small: pictures and lists of thousands travel by feed and face."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened. Subclasses are frozen dataclasses named in the past tense.

    `name` (`"recording.segment_closed"`) and `schema_version` are set by the subclass; a field added later
    needs a default, any other change needs a new `schema_version`. No secret, face or plate stands in a fact.
    """

    name: ClassVar[str]
    schema_version: ClassVar[int]


@dataclass(frozen=True, slots=True)
class Envelope:
    """Where a fact comes from. `sequence` counts per producer; order is by it and never by `at_us`."""

    id: FactId
    name: str
    schema_version: int
    at_us: int
    site_id: SiteId
    node_id: NodeId
    producer: str
    causation_id: FactId | None
    trace_id: UUID
    principal_id: PrincipalId | None
    sequence: int


@dataclass(frozen=True, slots=True)
class BusIdentity:
    """Whose process this is; stands in every envelope and in the header of the process's database."""

    organisation_id: OrganisationId
    site_id: SiteId
    node_id: NodeId


@dataclass(frozen=True, slots=True)
class FactsLost(Fact):
    """The disk of the outbox failed for long, so the oldest facts in memory were given up."""

    name: ClassVar[str] = "bus.facts_lost"
    schema_version: ClassVar[int] = 1
    count: int
    first_us: int
    last_us: int


def encode_fact(fact: Fact) -> bytes:
    """MessagePack of the fact's fields by name; `INVALID` when it is larger than `BODY_LIMIT_BYTES`."""
    body = msgspec.msgpack.encode(fact)
    if len(body) > BODY_LIMIT_BYTES:
        raise AppError(
            ErrorKind.INVALID,
            f"The fact {fact.name} has {len(body)} bytes; at most {BODY_LIMIT_BYTES} are carried.",
        )
    return body


def decode_fact(fact_type: type[F], body: bytes) -> F:
    """The fact again; fields that this version does not know are left out. Raises `INVALID` on a bad body."""
    try:
        return msgspec.msgpack.decode(body, type=fact_type)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise AppError(
            ErrorKind.INVALID,
            f"This is not a {fact_type.name} of version {fact_type.schema_version}: {error}",
        ) from error


def check_fact_type(fact_type: type[Any]) -> None:
    """Refuse, when wiring, a fact class without `name` or `schema_version`."""
    if not isinstance(getattr(fact_type, "name", None), str) or not isinstance(
        getattr(fact_type, "schema_version", None), int
    ):
        raise TypeError(f"{fact_type.__name__} needs ClassVars `name: str` and `schema_version: int`")
