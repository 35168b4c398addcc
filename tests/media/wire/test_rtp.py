"""RTP and RTCP in plain form, bits, and NAL units."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import ProtocolError
from civiscope.media.wire import (
    Bye,
    ReceiverReport,
    ReportBlock,
    RtpPacket,
    SenderReport,
    SourceDescription,
    iterate_nals,
    join_nals,
    ntp_to_us,
    parse_rtcp,
    parse_rtp,
    split_annexb,
    us_to_ntp,
    write_bye,
    write_receiver_report,
    write_rtp,
    write_sender_report,
)
from civiscope.media.wire.bitstream import BitReader, escape, unescape
from civiscope.media.wire.nal import bare_nal

U16, U32 = st.integers(0, 0xFFFF), st.integers(0, 0xFFFF_FFFF)
PACKETS = st.builds(RtpPacket, st.integers(0, 127), U16, U32, U32, st.booleans(), st.binary(max_size=64))
BLOCKS = st.builds(
    ReportBlock, U32, st.integers(0, 255), st.integers(-0x80_0000, 0x7F_FFFF), U32, U32, U32, U32
)


@given(PACKETS)
def test_a_packet_written_is_read_back(packet: RtpPacket) -> None:
    read = parse_rtp(write_rtp(packet))
    assert (read.payload_type, read.sequence, read.timestamp, read.ssrc, read.marker) == (
        packet.payload_type, packet.sequence, packet.timestamp, packet.ssrc, packet.marker,
    )  # fmt: skip
    assert bytes(read.payload) == packet.payload


def test_csrc_extension_and_padding_are_no_payload() -> None:
    head = bytes((0x80 | 0x20 | 0x10 | 2, 96)) + b"\0\1" + b"\0" * 8
    raw = head + b"cccc" * 2 + b"\xbe\xde\0\1extn" + b"payload" + b"\0\0\3"
    assert bytes(parse_rtp(raw).payload) == b"payload"


@given(st.binary(max_size=80))
def test_garbage_is_no_worse_than_a_protocol_error(garbage: bytes) -> None:
    for parse in (parse_rtp, parse_rtcp):
        try:
            parse(garbage)
        except ProtocolError:
            continue


@given(U32, U32, U32, st.lists(BLOCKS, max_size=3), st.text(max_size=30).filter(bool))
def test_reports_written_are_read_back(
    ssrc: int, ntp: int, count: int, blocks: list[ReportBlock], name: str
) -> None:
    sender = SenderReport(ssrc, ntp << 20, 5, count, 9, tuple(blocks))
    receiver = ReceiverReport(ssrc, tuple(blocks))
    cname = name.encode()[:255].decode("utf-8", "replace")
    assert parse_rtcp(write_sender_report(sender, name)) == [sender, SourceDescription(ssrc, cname)]
    assert parse_rtcp(write_receiver_report(receiver, name)) == [receiver, SourceDescription(ssrc, cname)]
    assert parse_rtcp(write_bye(ssrc, 3)) == [Bye((ssrc, 3))]


@given(st.integers(0, 4_000_000_000_000_000 - 1))
def test_ntp_time_goes_there_and_back(time_us: int) -> None:
    if time_us < (1 << 32) * 1_000_000 - 2_208_988_800_000_000:
        assert abs(ntp_to_us(us_to_ntp(time_us)) - time_us) <= 1


def test_a_camera_that_cuts_its_last_report_is_understood() -> None:
    report = write_sender_report(SenderReport(1, 2, 3, 4, 5), "x")
    assert isinstance(parse_rtcp(report[:-3])[0], SenderReport)


@given(st.binary(max_size=60))
def test_emulation_prevention_goes_in_and_out(payload: bytes) -> None:
    escaped = escape(payload)
    assert unescape(escaped) == payload
    assert all(code not in escaped for code in (b"\0\0\0", b"\0\0\1", b"\0\0\2"))


def test_exp_golomb_codes() -> None:
    reader = BitReader(bytes((0b1_010_011_0, 0b0100_0010, 0b1_0000000)))
    assert [reader.unsigned() for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(ProtocolError):
        BitReader(b"\0" * 9).unsigned()
    with pytest.raises(ProtocolError):
        BitReader(b"a").read(9)
    assert [BitReader(bytes((value,))).signed() for value in (0x80, 0x40, 0x60)] == [0, 1, -1]


@given(st.lists(st.binary(min_size=1, max_size=30)))
def test_nal_units_keep_their_order_and_bytes(nals: list[bytes]) -> None:
    assert [bytes(nal) for nal in iterate_nals(join_nals(nals))] == nals


@pytest.mark.parametrize("data", [b"\0\0", b"\0\0\0\5abc", b"\0\0\0\1a\0"])
def test_a_cut_access_unit_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        list(iterate_nals(data))


def test_start_codes_are_taken_off() -> None:
    assert split_annexb(b"\0\0\0\1ab\0\0\1c\0\0\0\1d\0") == [b"ab", b"c", b"d"]
    assert bare_nal(b"\0\0\0\1g\1\2\0\0\0\1") == b"g\1\2"
    assert bare_nal(b"g\1\2\0\0\0\1") == b"g\1\2"
