"""A plain MP4 of any span, streamed: tables from the sample indexes, then the bytes as they are opened."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from civiscope.base import AppError, ErrorKind, Span
from civiscope.media import Codec, TrackConfig
from civiscope.media.mp4 import PlainFile, PlainSample, Window
from civiscope.recording.container import PartFacts
from civiscope.recording.sample_index import IndexedUnit
from civiscope.recording.segment_reader import generations
from civiscope.recording.unit_reader import (
    Placed,
    PlacedPart,
    UnitReader,
    end_of,
    indexed,
    video_key,
    wall_times,
)

_KEPT_HOLE_US = 10_000_000
_SHORT_HOLE_US = 1_000_000
"""Holes over 10 s become 1 s in an export; shorter ones keep their length, the last picture stands."""
_CLOCK_BACK_US = 500_000

TrackKey = tuple[int, Codec, int]


@dataclass(slots=True)
class _Layout:
    """Which tracks and configurations the file has."""

    ids: dict[TrackKey, int] = field(default_factory=dict)
    configurations: dict[int, list[TrackConfig]] = field(default_factory=dict)

    def add(self, track: TrackConfig) -> tuple[int, int]:
        """(track id in the file, number of the configuration there)."""
        key = (track.track_id, track.codec, track.clock_rate_hz)
        track_id = self.ids.setdefault(key, len(self.ids) + 1)
        known = self.configurations.setdefault(track_id, [])
        wanted = replace(track, track_id=track_id, generation=0)
        if wanted not in known:
            known.append(wanted)
        return track_id, known.index(wanted)


@dataclass(frozen=True, slots=True)
class ChosenPart:
    """One part of the export: which of its units, and where its time lies in the file."""

    placed: PlacedPart
    begin: int
    end: int
    shift_us: int
    """File time 0 is at this UTC, for this part."""
    tracks: tuple[TrackConfig, ...]


@dataclass(frozen=True, slots=True)
class _Extent:
    """When a part shows, and when the first and the last unit of each of its tracks is decoded (UTC)."""

    span: Span
    decoded_us: dict[int, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """What a plain MP4 of a span is made of."""

    header: bytes = field(repr=False)
    """All that stands before the bytes of the units."""
    data_bytes: int
    chosen: tuple[ChosenPart, ...]
    origins_us: dict[int, int]
    """By track of the file: UTC of the origin of its media timeline, before the edit list."""


def export_mp4(reader: UnitReader, segments: Sequence[Placed], span: Span) -> Iterator[bytes]:
    """See `Archive.export_mp4`. The header comes as one piece, then one piece per part."""
    plan = plan_export(reader, segments, span)
    yield plan.header
    for one in plan.chosen:
        units = reader.open(one.placed).units(generations(one.tracks))[one.begin : one.end]
        yield b"".join(unit.data for unit in units)


def plan_export(reader: UnitReader, segments: Sequence[Placed], span: Span) -> ExportPlan:
    """The tables from the sample indexes; no unit is opened. AppError(MISSING) when nothing is there."""
    chosen = _choose(reader, segments, span)
    if not chosen:
        raise AppError(
            ErrorKind.MISSING,
            "nothing that can be shown is recorded in this span: choose another one on the timeline",
        )
    layout = _Layout()
    for one in chosen:
        for track in one.tracks:
            layout.add(track)
    configurations = [track for tracks in layout.configurations.values() for track in tracks]
    file = PlainFile(configurations, chosen[0].shift_us)
    _fill(file, layout, chosen)
    header = file.header(_windows(layout, chosen, span))
    rates_hz = {track_id: key[2] for key, track_id in layout.ids.items()}
    origins_us = {
        track_id: chosen[0].shift_us + ticks * 1_000_000 // rates_hz[track_id]
        for track_id, ticks in file.origins().items()
    }
    return ExportPlan(header, file.data_bytes, tuple(chosen), origins_us)


def _choose(reader: UnitReader, segments: Sequence[Placed], span: Span) -> list[ChosenPart]:
    """The parts, from the first unit that can be shown on; long holes and steps back are taken out."""
    chosen: list[ChosenPart] = []
    shift_us = 0
    before: _Extent | None = None
    for placed in reader.parts(segments, span):
        facts = placed.part.facts
        tracks = reader.tracks(placed)
        units = indexed(facts)
        walls = wall_times(facts, tracks, [(unit.track_id, unit.pts) for unit in units])
        extent = _extent(facts, units, tracks)
        begin = 0
        if before is None:
            found = _first_shown(units, walls, tracks, span.start_us)
            if found is None:
                continue
            begin = found
            shift_us = walls[begin]
        else:
            shift_us += _taken_out_us(before, extent)
        before = extent
        end = end_of(placed, walls, span)
        if end > begin:
            chosen.append(ChosenPart(placed, begin, end, shift_us, tracks))
    return chosen


def _extent(facts: PartFacts, units: list[IndexedUnit], tracks: tuple[TrackConfig, ...]) -> _Extent:
    decoded_us: dict[int, tuple[int, int]] = {}
    walls = wall_times(facts, tracks, [(unit.track_id, unit.dts) for unit in units])
    for unit, wall_us in zip(units, walls, strict=True):
        first_us, _ = decoded_us.get(unit.track_id, (wall_us, wall_us))
        decoded_us[unit.track_id] = first_us, wall_us
    return _Extent(facts.span, decoded_us)


def _taken_out_us(before: _Extent, after: _Extent) -> int:
    """By how much the time between two parts is changed: most of a long hole goes, and all of a step back.

    Showing goes back wherever a cut fell among reordered pictures, and nothing is amiss; decoding does not.
    """
    shown_hole_us = after.span.start_us - before.span.end_us
    decode_holes_us = [
        first_us - before.decoded_us[track_id][1]
        for track_id, (first_us, _) in after.decoded_us.items()
        if track_id in before.decoded_us
    ]
    hole_us = min(decode_holes_us, default=shown_hole_us)
    if hole_us < -_CLOCK_BACK_US:
        return hole_us
    hole_us = min(hole_us, shown_hole_us)
    return hole_us - _SHORT_HOLE_US if hole_us > _KEPT_HOLE_US else 0


def _first_shown(
    units: list[IndexedUnit], walls: list[int], tracks: tuple[TrackConfig, ...], start_us: int
) -> int | None:
    keys = [i for i, unit in enumerate(units) if video_key(unit.track_id, unit.is_key, tracks)]
    earlier = [i for i in keys if walls[i] <= start_us]
    return earlier[-1] if earlier else keys[0] if keys else None


def _fill(file: PlainFile, layout: _Layout, chosen: list[ChosenPart]) -> None:
    last_decode: dict[int, int] = {}
    last_step: dict[int, int] = {}
    for one in chosen:
        facts = one.placed.part.facts
        places = {track.track_id: (*layout.add(track), track.clock_rate_hz) for track in one.tracks}
        zero_us = {track_id: zero for track_id, _, zero in facts.track_times}
        for unit in indexed(facts)[one.begin : one.end]:
            track_id, configuration, rate_hz = places[unit.track_id]
            offset = (zero_us[unit.track_id] - one.shift_us) * rate_hz // 1_000_000
            shown = unit.pts + offset
            decode = max(unit.dts + offset, last_decode.get(track_id, unit.dts + offset))
            step = decode - last_decode.get(track_id, decode)
            last_step[track_id] = step or last_step.get(track_id, 0)
            last_decode[track_id] = decode
            file.add(
                PlainSample(
                    track_id,
                    decode,
                    shown - decode,
                    last_step[track_id],
                    unit.size_bytes,
                    unit.is_key,
                    configuration,
                )
            )


def _windows(layout: _Layout, chosen: list[ChosenPart], span: Span) -> dict[int, Window]:
    """The span in each track's ticks, as far as there is footage: the last part may lack the last picture."""
    begin_us = max(span.start_us - chosen[0].shift_us, 0)
    end_us = max(min(span.end_us, one.placed.part.facts.span.end_us) - one.shift_us for one in chosen)
    return {
        track_id: Window(begin_us * key[2] // 1_000_000, max(begin_us + 1, end_us) * key[2] // 1_000_000)
        for key, track_id in layout.ids.items()
    }
