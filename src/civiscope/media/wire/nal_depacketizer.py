"""Putting NAL units and pictures together: the half that H.264 and H.265 share (RFC 6184, RFC 7798).

A picture ends by the marker bit, by a new timestamp, or by a NAL unit that can only begin the next one.
Cameras lie about the marker (some set it on every slice), so it is believed only after three pictures have
borne it out, and never again after it lied. Parameter sets and SEI that come alone, whatever their timestamp,
wait for their picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Protocol

from civiscope.base import ProtocolError
from civiscope.media.model import UnitFlags
from civiscope.media.wire.depacketizer import MAX_UNIT_BYTES, CodecConfig, RawUnit
from civiscope.media.wire.rtp import HEADER_BYTES

_NONE = UnitFlags.NONE
_TRUSTED = 3
"""Pictures that must bear the marker out before it alone ends a unit."""
_LIAR = -1
_LENGTH = b"\0\0\0\0"


class ParameterSets(Protocol):
    """The parameter sets in force, by kind and id."""

    @property
    def config(self) -> CodecConfig | None:
        """None until the set is complete."""
        ...

    def offer(self, nal: bytes) -> bool:
        """Take a set in; true if the configuration changed. Raises `ProtocolError` if it cannot be read."""
        ...


@dataclass(frozen=True, slots=True)
class NalRules:
    """Which NAL unit kinds mean what in one codec."""

    picture: frozenset[int]
    """Coded slices."""
    leading: frozenset[int]
    """Kinds that begin a new access unit when they follow a slice."""
    key: frozenset[int]
    """Slices of a picture where decoding can start."""
    sets: frozenset[int]
    delimiter: int
    """The access unit delimiter: always the first of its unit."""
    fragment_header_bytes: int
    """Of a fragment, before its piece of the NAL unit."""


class NalAssembly:
    """The access unit being put together, and the rules by which it ends."""

    def __init__(self, rules: NalRules, sets: ParameterSets) -> None:
        self._rules = rules
        self._sets = sets
        self._data = bytearray()
        self._timestamp = -1
        self._last_timestamp = -1
        self._flags = UnitFlags.NONE
        self._next_flags = UnitFlags.NONE
        self._has_picture = False
        self._headless = False
        self._marked = False
        self._changed = False
        self._trust = 0
        self._open_at = -1
        self._open_kind = -1
        self._middle = b""
        """The header of every fragment between the first and the last of the open NAL unit."""
        self._body_at = HEADER_BYTES + rules.fragment_header_bytes
        self._read_middle = Struct(f">HHHHQ{rules.fragment_header_bytes}s").unpack_from
        self._ready: list[RawUnit] = []

    @property
    def config(self) -> CodecConfig | None:
        """The newest configuration known."""
        return self._sets.config

    def flush(self) -> Sequence[RawUnit]:
        """The unit under way, if it holds a picture; parameter sets alone are let go."""
        if self._open_at >= 0:
            self._break_nal()
        if self._has_picture:
            if not self._marked or self._trust < 0:
                self._flags |= UnitFlags.DAMAGED  # who knows what was still to come
            self._emit()
        return self._take()

    def join(
        self, view: memoryview, position: int, frame: int, sequence: int, head: int, source: int
    ) -> tuple[int, int]:
        """Take the interleaved packets from `position` on that merely go on with the open NAL unit.

        Gives where the first other begins, and how many were taken. `frame` is a frame's first two bytes,
        `sequence` the next packet's, `head` a packet's first two bytes, `source` its timestamp and SSRC. It
        is what `push` would do with each: nine packets of ten of a recorder come this way. Never raises.
        """
        if self._open_at < 0:
            return position, 0
        data, middle, body_at, read = self._data, self._middle, self._body_at, self._read_middle
        size, count = len(view), 0
        while position + 4 + body_at < size:
            begin, length, first, number, origin, header = read(view, position)
            end = position + 4 + length
            if number != sequence or header != middle or origin != source or first != head or begin != frame:
                break
            if end > size or length <= body_at:
                break
            data += view[position + 4 + body_at : end]
            sequence = sequence + 1 & 0xFFFF
            position = end
            count += 1
        return position, count

    def _take(self) -> Sequence[RawUnit]:
        ready = self._ready
        if not ready:
            return ()
        self._ready = []
        return ready

    def _turn(self, timestamp: int, gap: bool) -> None:
        """A packet with a new timestamp, or after lost ones."""
        if gap:
            self._break_nal()
            ended = self._marked and self._trust >= 0 and timestamp != self._timestamp
            if self._data and not ended:
                self._flags |= UnitFlags.DAMAGED
        if timestamp != self._timestamp:
            if self._open_at >= 0:
                self._break_nal()
            if self._has_picture:
                self._borne_out()
                self._emit()
            self._timestamp = timestamp
        if not gap:
            return
        if self._has_picture:
            self._next_flags |= UnitFlags.DISCONTINUITY
        else:
            self._flags |= UnitFlags.DISCONTINUITY
            self._headless = not self._data

    def _break_nal(self) -> None:
        """The rest of the NAL unit under way is lost: keep its beginning, as long as it is."""
        if self._open_at >= 0:
            self._flags |= UnitFlags.DAMAGED
            self._patch_length()

    def _patch_length(self) -> None:
        at = self._open_at
        self._data[at : at + 4] = (len(self._data) - at - 4).to_bytes(4)
        self._open_at = -1

    def _whole(self, nal: memoryview, header_bytes: int, kind: int) -> None:
        """One complete NAL unit."""
        if self._open_at >= 0:
            self._break_nal()
        self._starting(kind, nal[header_bytes:])
        self._data += len(nal).to_bytes(4)
        self._data += nal
        if len(self._data) > MAX_UNIT_BYTES:
            self._overrun()
        if kind in self._rules.sets:
            self._learn(bytes(nal))

    def _open(self, header: bytes, kind: int, body: memoryview) -> None:
        """The first fragment of a NAL unit."""
        if self._open_at >= 0:
            self._break_nal()
        self._starting(kind, body)
        self._open_at = len(self._data)
        self._open_kind = kind
        self._data += _LENGTH
        self._data += header

    def _close(self) -> None:
        """The last fragment has been added."""
        at = self._open_at
        self._patch_length()
        if len(self._data) > MAX_UNIT_BYTES:
            self._overrun()
        if self._open_kind in self._rules.sets:
            self._learn(bytes(self._data[at + 4 :]))

    def _stray(self) -> None:
        """A fragment without its first: nothing can be made of it."""
        self._flags |= UnitFlags.DAMAGED

    def _overrun(self) -> None:
        self._reset(UnitFlags.DISCONTINUITY)
        self._open_at = -1
        raise ProtocolError(f"an access unit is longer than {MAX_UNIT_BYTES} bytes")

    def _starting(self, kind: int, body: memoryview) -> None:
        """A NAL unit begins: does the unit before it end, and is this one a picture?"""
        rules = self._rules
        is_picture = kind in rules.picture
        first_slice = is_picture and len(body) > 0 and body[0] >= 0x80
        if self._headless:
            self._headless = False
            if kind != rules.delimiter:
                self._flags |= UnitFlags.DAMAGED
        if self._has_picture:
            self._maybe_end(kind, is_picture, first_slice)
        elif is_picture and not first_slice:
            self._suspect()
        if is_picture:
            self._has_picture = True
            if kind in rules.key or self._is_recovery(body):
                self._flags |= UnitFlags.KEY

    def _maybe_end(self, kind: int, is_picture: bool, first_slice: bool) -> None:
        """A NAL unit after a slice of the same timestamp."""
        if kind in self._rules.leading or (self._marked and first_slice):
            self._borne_out()
            self._emit()
        elif is_picture and self._marked:
            self._trust = _LIAR
            self._marked = False

    def _suspect(self) -> None:
        """A unit begins with a later slice: half a picture; the marker lied if the first half has gone."""
        if self._timestamp == self._last_timestamp and not self._flags & UnitFlags.DISCONTINUITY:
            self._trust = _LIAR
        self._flags |= UnitFlags.DAMAGED

    def _borne_out(self) -> None:
        if self._marked and self._trust >= 0:
            self._trust += 1

    def _is_recovery(self, body: memoryview) -> bool:
        """True for a slice of a random access point that its kind does not show."""
        del body
        return False

    def _mark(self) -> None:
        """The marker bit was set."""
        if not self._has_picture or self._open_at >= 0:
            return
        if self._trust >= _TRUSTED:
            self._emit()
        else:
            self._marked = True

    def _learn(self, nal: bytes) -> None:
        """A parameter set; one that cannot be read stays in the unit but is not believed."""
        try:
            changed = self._sets.offer(nal)
        except ProtocolError:
            return
        self._changed = self._changed or changed

    def _emit(self) -> None:
        config = self._sets.config if self._changed else None
        self._ready.append(RawUnit(bytes(self._data), self._timestamp, self._flags, config))
        self._last_timestamp = self._timestamp
        self._changed = self._changed and config is None
        if self._flags is not _NONE and self._flags & UnitFlags.DAMAGED:
            self._next_flags |= UnitFlags.DISCONTINUITY
        self._reset(self._next_flags)

    def _reset(self, flags: UnitFlags) -> None:
        self._data = bytearray()
        self._flags = flags
        self._next_flags = UnitFlags.NONE
        self._has_picture = False
        self._headless = False
        self._marked = False
