"""Follows a camera's signature through its video: which NAL units each document is over.

Hashes only; whether a document is signed, and by whom, is for who has certificates.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from civiscope.base import ProtocolError
from civiscope.media.model import Codec
from civiscope.media.signing_sei import SigningDocument, digest, parse_signing_sei
from civiscope.media.wire.nal import iterate_nals

_PENDING_LIMIT = 20_000
"""NAL units without a document that are remembered; a camera signs some hundred at once."""


class HashState(StrEnum):
    """How a stretch of video stands to its document."""

    MATCHES = "matches"
    DIFFERS = "differs"
    UNCOVERED = "uncovered"
    """No document speaks of it."""


@dataclass(frozen=True, slots=True)
class SignedStretch:
    """A (partial) GOP, and what its document says of it."""

    start_us: int
    end_us: int
    """Time of its last NAL unit."""
    state: HashState
    document: SigningDocument | None
    """What is signed: the document itself, or the later one that is over it."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Hashed:
    digest: bytes = field(repr=False)
    is_anchor: bool
    at_us: int


class SigningWalk:
    """Feed it the access units of one video track in the order of decoding."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._pending: list[_Hashed] = []
        self._anchor = b""
        self._hash_name = ""
        self._chains: tuple[bytes, ...] = ()
        self._held: list[SignedStretch] = []
        self._last_first = b""
        self._last_counter = -1
        self._saw_document = False

    def feed(self, data: bytes, at_us: int) -> list[SignedStretch]:
        """What became known with this unit, shown at `at_us`."""
        found: list[SignedStretch] = []
        for nal in iterate_nals(data):
            kind = self._kind(nal)
            if kind in ("slice", "anchor"):
                self._hash(bytes(nal), kind == "anchor", at_us)
            elif kind == "sei":
                found += self._sei(bytes(nal), at_us)
        if len(self._pending) > _PENDING_LIMIT:
            found += self._give_up(len(self._pending), HashState.UNCOVERED, "")
        return found

    def finish(self) -> list[SignedStretch]:
        """What is left at the end: its documents would follow."""
        detail = "its signature comes after the end" if self._saw_document else ""
        left = [replace(one, state=HashState.UNCOVERED, detail=detail) for one in self._held]
        self._held = []
        return left + self._give_up(len(self._pending), HashState.UNCOVERED, detail)

    def _kind(self, nal: memoryview) -> str:
        """`slice`, `anchor` (first slice of an IDR picture), `sei`, or nothing that is signed."""
        if self._codec is Codec.H264:
            kind = nal[0] & 0x1F
            if kind == 6:
                return "sei"
            if not 1 <= kind <= 5:
                return ""
            return "anchor" if kind == 5 and len(nal) > 1 and nal[1] & 0x80 else "slice"
        kind = nal[0] >> 1 & 0x3F
        if kind == 39:
            return "sei"
        if kind > 31:
            return ""
        return "anchor" if kind in (19, 20) and len(nal) > 2 and nal[2] & 0x80 else "slice"

    def _hash(self, nal: bytes, is_anchor: bool, at_us: int) -> None:
        own = digest(self._hash_name, nal)
        if is_anchor:
            self._anchor = own
        linked = own if is_anchor else digest(self._hash_name, self._anchor + own)
        self._pending.append(_Hashed(linked, is_anchor, at_us))

    def _sei(self, nal: bytes, at_us: int) -> list[SignedStretch]:
        try:
            document = parse_signing_sei(nal, self._codec)
        except ProtocolError:
            self._saw_document = True
            return []  # the GOP it was over has no document: that is found with the next one
        if document is None:
            return []
        self._saw_document = True
        self._hash_name = document.hash_name or self._hash_name
        self._chains = document.certificates or self._chains
        document = replace(document, certificates=self._chains, hash_name=self._hash_name)
        found = [] if document.is_certificate or not document.gop_hash else self._gop(document)
        if document.signature is not None:
            released = [replace(one, document=document) for one in self._held]
            self._held = []
            return released + found
        self._held += found
        self._pending.append(_Hashed(digest(self._hash_name, nal), False, at_us))
        return []

    def _gop(self, document: SigningDocument) -> list[SignedStretch]:
        if document.counter == self._last_counter:
            return []  # sent twice, against losses
        found, start = self._find(document)
        if start is None:
            return found
        first = self._pending[0] if self._pending else None
        for count in document.nal_counts:
            if first is not None and self._is_over(document, count):
                is_next = self._last_counter >= 0 and document.counter == self._last_counter + 1
                linked = not is_next or self._last_first in (b"", document.previous_hash)
                skipped = self._last_counter >= 0 and not is_next
                detail = (
                    "" if linked and not skipped else "what came before it is missing or stands elsewhere"
                )
                state = HashState.DIFFERS if detail else HashState.MATCHES
                self._last_first, self._last_counter = first.digest, document.counter
                return found + self._give_up(count, state, detail, document)
        self._last_first = document.hashes[0] if document.hashes else b""
        self._last_counter = document.counter
        detail = "pictures were changed, left out or put in"
        return found + self._give_up(self._gop_end(), HashState.DIFFERS, detail, document)

    def _is_over(self, document: SigningDocument, count: int) -> bool:
        """True if the next `count` NAL units are those of the document, by its one hash or by its list."""
        digests = tuple(one.digest for one in self._pending[:count])
        if len(digests) != count:
            return False
        is_whole = digest(self._hash_name, b"".join(digests)) == document.gop_hash
        return is_whole or (bool(digests) and digests == document.hashes)

    def _find(self, document: SigningDocument) -> tuple[list[SignedStretch], int | None]:
        """Put the document's GOP in front; None: it is over video from before the start."""
        wanted = document.hashes[0] if document.hashes else None
        anchors = [place for place, one in enumerate(self._pending) if one.is_anchor]
        if self._last_counter < 0 and len(anchors) < 2 and wanted not in {o.digest for o in self._pending}:
            return [], None
        for place, one in enumerate(self._pending):
            if place and one.digest == wanted and one.is_anchor:
                lost = "the document that signed it is missing"
                return self._give_up(place, HashState.DIFFERS, lost), 0
        return [], 0

    def _gop_end(self) -> int:
        """Where the next GOP begins among what is pending."""
        places = (place for place, one in enumerate(self._pending) if place and one.is_anchor)
        return next(places, len(self._pending))

    def _give_up(
        self, count: int, state: HashState, detail: str, document: SigningDocument | None = None
    ) -> list[SignedStretch]:
        taken, self._pending = self._pending[:count], self._pending[count:]
        if not taken:
            return []
        times = [one.at_us for one in taken]
        return [SignedStretch(min(times), max(times), state, document, detail)]
