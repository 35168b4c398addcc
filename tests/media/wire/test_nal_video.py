"""H.264 and H.265 out of RTP: nothing changed, merged or split, and honest about what is missing."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.media.wire.rtp_values import (
    PPS_264,
    PPS_265,
    SPS_264,
    SPS_265,
    VPS_265,
    packetizer,
    packets_of,
    pictures_264,
    pictures_265,
    receive,
    receiver,
    slice_264,
    slice_265,
)

from civiscope.base import ProtocolError
from civiscope.media import Codec, UnitFlags
from civiscope.media.wire import (
    H264Sps,
    RtpPacket,
    h264_aggregate,
    h265_aggregate,
    iterate_nals,
    join_nals,
    parse_h264_sps,
    parse_h265_sps,
    write_rtp,
)

DAMAGED, LOST, KEY = UnitFlags.DAMAGED, UnitFlags.DISCONTINUITY, UnitFlags.KEY
BOTH = pytest.mark.parametrize(
    ("codec", "pictures"), [(Codec.H264, pictures_264()), (Codec.H265, pictures_265())]
)


@given(st.data(), st.integers(64, 500), st.integers(0, 0xFFFF), st.integers(0, 0xFFFF_FFFF))
def test_what_was_sent_is_what_comes(data: st.DataObject, mtu: int, sequence: int, start: int) -> None:
    for codec, pictures in ((Codec.H264, pictures_264()), (Codec.H265, pictures_265())):
        sent = data.draw(st.lists(pictures, min_size=1, max_size=8))
        into = receiver(codec)
        packets = packets_of(packetizer(codec, sequence=sequence, mtu_bytes=mtu), sent, start=start)
        units = receive(into, packets) + list(into.flush())
        assert [unit.data for unit in units] == sent
        assert not any(unit.flags & (DAMAGED | LOST) for unit in units)
        assert [unit.pts - units[0].pts for unit in units] == [3600 * place for place in range(len(sent))]
        assert into.counts.packets == len(packets)


@given(st.data(), st.integers(64, 300))
def test_what_is_not_called_damaged_is_whole(data: st.DataObject, mtu: int) -> None:
    for codec, pictures in ((Codec.H264, pictures_264()), (Codec.H265, pictures_265())):
        sent = data.draw(st.lists(pictures, min_size=4, max_size=10))
        packets = packets_of(packetizer(codec, mtu_bytes=mtu), sent)
        lost = data.draw(st.sets(st.integers(1, len(packets) - 2), max_size=6))
        into = receiver(codec)
        units = receive(into, [p for place, p in enumerate(packets) if place not in lost])
        units += into.flush()
        assert all(unit.data in sent for unit in units if not unit.flags & DAMAGED)
        assert all(a.dts < b.dts for a, b in pairwise(units))
        if lost:
            assert any(unit.flags & (DAMAGED | LOST) for unit in units) or len(units) < len(sent)
            assert into.counts.lost == len(lost)


@given(st.lists(st.tuples(st.binary(max_size=90), st.booleans(), st.booleans()), max_size=30))
def test_garbage_never_raises(junk: list[tuple[bytes, bool, bool]]) -> None:
    for codec in Codec:
        into = receiver(codec)
        for place, (payload, marker, shift) in enumerate(junk):
            packet = RtpPacket(96, place + 5 * shift, place // 3, 7, marker, payload)
            receive(into, [write_rtp(packet)])
        into.flush()


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_bytes_that_are_no_packets_never_raise(junk: list[bytes]) -> None:
    into = receiver(Codec.H264)
    assert receive(into, junk) == [] or into.counts.packets


def _payloads(codec: Codec, payloads: Sequence[tuple[bytes, int, bool]]) -> list[bytes]:
    return [write_rtp(RtpPacket(96, n, ts, 7, marker, body)) for n, (body, ts, marker) in enumerate(payloads)]


def _units(codec: Codec, payloads: Sequence[tuple[bytes, int, bool]]) -> list[bytes]:
    into = receiver(codec)
    units = receive(into, _payloads(codec, payloads))
    return [unit.data for unit in [*units, *into.flush()]]


def test_a_camera_that_marks_every_slice_is_seen_through() -> None:
    pictures = [
        [slice_264(True, n == 0), slice_264(False, n == 0), slice_264(False, n == 0)] for n in range(6)
    ]
    sent = [(nal, n * 3600, True) for n, nals in enumerate(pictures) for nal in nals]
    assert _units(Codec.H264, sent) == [join_nals(nals) for nals in pictures]


def test_a_camera_that_never_marks_is_read_by_its_timestamps() -> None:
    sent = [(slice_265(first), n * 3600, False) for n in range(6) for first in (True, False)]
    whole = join_nals([slice_265(True), slice_265(False)])
    assert _units(Codec.H265, sent) == [whole] * 6


def test_parameter_sets_belong_to_the_next_picture_whatever_their_timestamp() -> None:
    sent = [
        (slice_264(), 0, True),
        (SPS_264, 0, True),
        (PPS_264, 1800, True),
        (b"\x06\x05\x01\x00", 2000, False),
        (slice_264(key=True), 3600, True),
        (slice_264(), 7200, True),
    ]
    key = join_nals([SPS_264, PPS_264, b"\x06\x05\x01\x00", slice_264(key=True)])
    assert _units(Codec.H264, sent) == [join_nals([slice_264()]), key, join_nals([slice_264()])]


def test_two_pictures_of_one_timestamp_stay_two() -> None:
    sent = [(slice_264(), (n // 2) * 7200, True) for n in range(8)]
    assert _units(Codec.H264, sent) == [join_nals([slice_264()])] * 8


def test_the_first_pictures_come_one_later_and_then_at_once() -> None:
    into = receiver(Codec.H264)
    packets = packets_of(packetizer(Codec.H264), [join_nals([slice_264()])] * 6)
    assert [len(receive(into, [packet])) for packet in packets] == [0, 1, 1, 2, 1, 1]


def test_aggregates_are_taken_apart() -> None:
    sets = [SPS_264, PPS_264, b"\x06\x05\x01\x00"]
    sent = [(h264_aggregate(sets), 0, False), (slice_264(key=True), 0, True)]
    assert _units(Codec.H264, sent) == [join_nals([*sets, slice_264(key=True)])]
    stap_b = b"\x19\0\1" + h264_aggregate(sets)[1:]
    assert _units(Codec.H264, [(stap_b, 0, False), sent[1]]) == [join_nals([*sets, slice_264(key=True)])]
    sets = [VPS_265, SPS_265, PPS_265]
    sent = [(h265_aggregate(sets), 0, False), (slice_265(key=True), 0, True)]
    assert _units(Codec.H265, sent) == [join_nals([*sets, slice_265(key=True)])]


def test_a_lost_fragment_leaves_the_beginning() -> None:
    unit = join_nals([slice_264(body=bytes(range(256)) * 4)])
    packets = packets_of(packetizer(Codec.H264, mtu_bytes=112), [unit] * 3)
    into = receiver(Codec.H264)
    units = receive(into, packets[:4] + packets[5:]) + list(into.flush())
    assert [unit.flags for unit in units] == [DAMAGED, LOST, UnitFlags.NONE]
    (nal,) = iterate_nals(units[0].data)
    assert bytes(nal) == unit[4 : 4 + len(nal)]
    assert [u.data for u in units[1:]] == [unit, unit]


def test_a_key_unit_is_told_by_its_kind_or_its_recovery_point() -> None:
    into = receiver(Codec.H264)
    recovery = join_nals(
        [b"\x06\x06\x01\xc4\x80", bytes((0x41, 0b1011_1000, 9))]
    )  # an I slice (slice_type 2)
    later = join_nals([b"\x06\x06\x01\x2c\x80", bytes((0x41, 0b1011_1000, 9))])
    sent = [join_nals([slice_264(key=True)]), join_nals([slice_264()]), recovery, later]
    units = receive(into, packets_of(packetizer(Codec.H264), sent)) + list(into.flush())
    assert [bool(unit.flags & KEY) for unit in units] == [True, False, True, False]


def test_parameter_sets_in_the_stream_overrule_the_description() -> None:
    other = bytes.fromhex("6742c01ed903c568400000030040000 00c03c58b92".replace(" ", ""))
    text = "Z0LAHtkDxWhAAAADAEAAAAwDxYuS,aMuMsg=="
    into = receiver(Codec.H264, sprop_parameter_sets=text)
    assert into.config is not None
    assert (into.config.width_px, into.config.height_px) == (240, 160)
    assert into.config.parameter_sets[0] == other
    sent = [
        join_nals([slice_264()]),
        join_nals([SPS_264, PPS_264, slice_264(key=True)]),
        join_nals([slice_264()]),
    ]
    units = receive(into, packets_of(packetizer(Codec.H264), sent)) + list(into.flush())
    assert units[0].config is None
    assert units[1].config is not None
    assert units[2].config is None
    assert (units[1].config.width_px, units[1].config.height_px) == (1280, 720)


def test_sequence_parameter_sets_of_real_cameras() -> None:
    assert parse_h264_sps(SPS_264) == H264Sps(0, 77, 0, 31, 1280, 720, 0, 0.0)
    sps = parse_h265_sps(SPS_265)
    assert (sps.width_px, sps.height_px, sps.level, sps.chroma, sps.reorder_depth) == (704, 480, 90, 1, 0)


@given(st.binary(max_size=60), st.integers(0, 200))
def test_broken_parameter_sets_raise_protocol_errors_only(junk: bytes, cut: int) -> None:
    for parse, nal in ((parse_h264_sps, SPS_264), (parse_h265_sps, SPS_265)):
        for data in (nal[:1] + junk, nal[:cut], nal[:6] + junk):
            try:
                parse(data)
            except ProtocolError:
                continue


def test_a_unit_that_the_end_cut_off_is_called_damaged() -> None:
    unit = join_nals([slice_264(body=bytes(900))])
    packets = packets_of(packetizer(Codec.H264, mtu_bytes=112), [unit] * 2)
    into = receiver(Codec.H264)
    receive(into, packets[: len(packets) // 2 + 3])
    (last,) = into.flush()
    assert last.flags & DAMAGED
