"""Sequence, source and time: what a network and a camera do to packets."""

import random

from hypothesis import given
from hypothesis import strategies as st
from tests.media.wire.rtp_values import packetizer, packets_of, receive, receiver, slice_264, slice_265

from civiscope.media import Codec, UnitFlags
from civiscope.media.wire import (
    Arrival,
    RtpPacket,
    RunOrigin,
    TimedUnit,
    UnitClock,
    join_nals,
    parse_rtp,
    write_interleaved,
    write_rtp,
)

LOST = UnitFlags.DISCONTINUITY


def units_of(count: int) -> list[bytes]:
    return [join_nals([slice_264(body=bytes((n & 0xFF,)) * 300)]) for n in range(count)]


def test_packets_that_overtook_others_are_put_back() -> None:
    sent = units_of(12)
    packets = packets_of(packetizer(Codec.H264, mtu_bytes=100, sequence=0xFFF0), sent)
    order = random.Random(3)
    shuffled = [packets[0]]
    for start in range(1, len(packets), 4):
        block = packets[start : start + 4]
        order.shuffle(block)
        shuffled += block
    into = receiver(Codec.H264, reorder=True)
    units = receive(into, shuffled, step_us=100) + list(into.flush())
    assert [unit.data for unit in units] == sent
    assert not any(unit.flags & LOST for unit in units)
    assert into.counts.lost == 0


def test_waiting_for_a_lost_packet_is_bounded_in_time_and_number() -> None:
    packets = packets_of(packetizer(Codec.H264), units_of(200))
    into = receiver(Codec.H264, reorder=True)
    receive(into, packets[:5])
    assert receive(into, packets[6:8], start_us=10_000) == []
    assert len(into.tick(50_000)) == 0
    assert len(into.tick(95_000)) == 2
    assert into.counts.lost == 1
    units = receive(into, packets[9:100], start_us=100_000)
    assert len(units) > 20
    assert into.counts.lost == 2


@given(st.data())
def test_doubled_packets_change_nothing(data: st.DataObject) -> None:
    sent = units_of(10)
    packets = packets_of(packetizer(Codec.H264, mtu_bytes=100, sequence=65_520), sent)
    doubled = [p for p in packets for _ in range(data.draw(st.integers(1, 3)))]
    for reorder in (False, True):
        into = receiver(Codec.H264, reorder=reorder)
        units = receive(into, doubled) + list(into.flush())
        assert [unit.data for unit in units] == sent
        assert into.counts.doubled == len(doubled) - len(packets)


def test_a_new_source_is_believed_when_it_is_steady() -> None:
    sent = units_of(20)
    first = packets_of(packetizer(Codec.H264, ssrc=1), sent[:8])
    second = packets_of(packetizer(Codec.H264, ssrc=2, sequence=900), sent[8:], start=1 << 30)
    into = receiver(Codec.H264)
    units = receive(into, [*first, *second], step_us=40_000) + list(into.flush())
    assert [unit.data for unit in units] == sent
    assert into.ssrc == 2
    breaks = [place for place, unit in enumerate(units) if unit.flags & LOST]
    assert breaks == [8, 9]
    assert 3600 <= units[8].pts - units[7].pts <= 4 * 3600


def test_a_source_that_changes_its_number_but_counts_on_is_one_source() -> None:
    sent = units_of(10)
    packets = [
        write_rtp(RtpPacket(p.payload_type, p.sequence, p.timestamp, n, p.marker, bytes(p.payload)))
        for n, p in enumerate(map(parse_rtp, packets_of(packetizer(Codec.H264), sent)))
    ]
    into = receiver(Codec.H264)
    units = receive(into, packets) + list(into.flush())
    assert [unit.data for unit in units] == sent
    assert not any(unit.flags & LOST for unit in units)


def test_a_wrong_payload_type_from_the_start_is_believed_and_a_later_one_is_a_change() -> None:
    sent = units_of(10)
    maker = packetizer(Codec.H264)
    maker.payload_type = 105
    into = receiver(Codec.H264)
    packets = packets_of(maker, sent)
    assert len(receive(into, packets)) == 10
    assert not into.changed
    maker.payload_type = 98
    assert receive(into, packets_of(maker, sent[:4], start=1 << 20)) == []
    assert into.changed


def test_numbering_that_begins_anew_is_followed() -> None:
    sent = units_of(12)
    packets = packets_of(packetizer(Codec.H264, sequence=30_000), sent[:6])
    packets += packets_of(packetizer(Codec.H264, sequence=5), sent[6:], start=6 * 3600)
    into = receiver(Codec.H264)
    units = receive(into, packets) + list(into.flush())
    assert [unit.data for unit in units] == sent
    assert units[6].flags & LOST


def test_a_numbering_a_little_lower_is_followed_soon() -> None:
    sent = units_of(60)
    packets = packets_of(packetizer(Codec.H264, sequence=50), sent[:40])
    packets += packets_of(packetizer(Codec.H264, sequence=10), sent[40:], start=40 * 3600)
    into = receiver(Codec.H264)
    units = receive(into, packets) + list(into.flush())
    assert [unit.data for unit in units] == sent[:40] + sent[42:]
    assert units[40].flags & LOST
    assert into.counts.jumps == 1


def clock(rate_hz: int = 90_000, *, reorders: bool = True) -> UnitClock:
    return UnitClock(rate_hz, RunOrigin(), reorders=reorders)


def test_timestamps_are_unwrapped() -> None:
    steady = clock()
    stamps = [(0xFFFF_FFFF - 7200 + n * 3600) & 0xFFFF_FFFF for n in range(6)]
    times = [steady.times(stamp, n * 40_000) for n, stamp in enumerate(stamps)]
    assert [pts for pts, _, _ in times] == [n * 3600 for n in range(6)]
    assert [dts for _, dts, _ in times] == [n * 3600 for n in range(6)]


def test_a_jump_is_anchored_by_arrival() -> None:
    for jump in (11 * 90_000, -11 * 90_000, 1 << 31, -2 * 90_000):
        steady = clock()
        for n in range(5):
            steady.times(n * 3600, n * 40_000)
        pts, dts, jumped = steady.times((5 * 3600 + jump) & 0xFFFF_FFFF, 200_000)
        assert jumped
        assert (pts, dts) == (5 * 3600, 5 * 3600)
        assert steady.ticks((5 * 3600 + jump + 900) & 0xFFFF_FFFF) == 5 * 3600 + 900


def test_a_long_pause_that_the_camera_counted_is_no_jump() -> None:
    steady = clock()
    steady.times(0, 0)
    assert steady.times(60 * 90_000, 60_000_000) == (60 * 90_000, 60 * 90_000, False)


def test_decoding_times_of_reordered_pictures() -> None:
    known = clock()
    known.configure(2, 0.04)
    order = [0, 4, 2, 1, 3, 8, 6, 5, 7]
    times = [known.times(n * 3600, i * 40_000) for i, n in enumerate(order)]
    assert [dts // 3600 for _, dts, _ in times] == [-2, -1, 0, 1, 2, 3, 4, 5, 6]
    assert all(dts <= pts for pts, dts, _ in times)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.integers(0, 4))
def test_decoding_times_always_grow(shifts: list[int], depth: int) -> None:
    any_order = clock()
    any_order.configure(depth or None, 0.0)
    last = None
    for n, shift in enumerate(shifts):
        _, dts, _ = any_order.times((n + shift) * 3600, n * 40_000)
        assert last is None or dts > last
        last = dts


def test_tracks_of_a_run_share_its_beginning() -> None:
    origin = RunOrigin()
    video, audio = UnitClock(90_000, origin, reorders=True), UnitClock(8_000, origin, reorders=False)
    assert video.times(77, 1_000_000)[0] == 0
    assert audio.times(4_000_000_000, 1_250_000)[0] == 2000


def test_highest_sequence_counts_cycles() -> None:
    into = receiver(Codec.H264)
    receive(into, packets_of(packetizer(Codec.H264, sequence=0xFFFE), units_of(5)), step_us=1)
    assert into.highest_sequence == 0x1_0002


def test_arrival_is_that_of_the_last_packet_of_the_unit() -> None:
    into = receiver(Codec.H264)
    packets = packets_of(packetizer(Codec.H264), units_of(3))
    units: list[TimedUnit] = []
    for n, packet in enumerate(packets):
        units += into.push(memoryview(packet), Arrival(1_000_000 + n, n))
    assert [unit.arrival_us for unit in units] == [1_000_000, 1_000_001]


def frames_of(data: st.DataObject, codec: Codec) -> bytes:
    """Interleaved frames as a bad network and a bad camera might leave them."""
    sent = units_of(8) if codec is Codec.H264 else [join_nals([slice_265(body=bytes(300))])] * 8
    packets = packets_of(packetizer(codec, mtu_bytes=80, sequence=65_500), sent)
    out = b""
    for whole in packets:
        packet = whole
        fate = data.draw(st.sampled_from(["keep"] * 30 + ["drop", "double", "change", "other", "cut"]))
        if fate == "change":
            place = data.draw(st.integers(0, len(packet) - 1))
            packet = packet[:place] + bytes((data.draw(st.integers(0, 255)),)) + packet[place + 1 :]
        elif fate == "cut":
            packet = packet[: data.draw(st.integers(0, 20))]
        if fate != "drop":
            out += write_interleaved(2 if fate == "other" else 0, packet) * (2 if fate == "double" else 1)
    return out


@given(st.data(), st.sampled_from([Codec.H264, Codec.H265]), st.booleans())
def test_following_gives_what_pushing_each_packet_gives(
    data: st.DataObject, codec: Codec, reorder: bool
) -> None:
    stream = memoryview(frames_of(data, codec))
    pushed, followed = receiver(codec, reorder=reorder), receiver(codec, reorder=reorder)
    arrival, position, taken = Arrival(1, 1), 0, 0
    expected: list[TimedUnit] = []
    units: list[TimedUnit] = []
    while position < len(stream):
        channel, end = (
            stream[position + 1],
            position + 4 + int.from_bytes(stream[position + 2 : position + 4]),
        )
        if channel == 0:
            expected += pushed.push(stream[position + 4 : end], arrival)
            if position >= taken:
                given_units = followed.push(stream[position + 4 : end], arrival)
                units += given_units
                taken = end
                if not given_units:
                    taken, count = followed.follow(stream[: len(stream) - 1], end, 0)
                    assert (count > 0) == (taken > end)
        position = end
    expected += pushed.flush()
    units += followed.flush()
    assert units == expected
    assert followed.counts == pushed.counts
    assert followed.highest_sequence == pushed.highest_sequence
