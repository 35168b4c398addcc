"""AAC, G.711, Opus and motion JPEG out of RTP."""

import io
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.media.wire.rtp_values import packetizer, packets_of, receive, receiver

from civiscope.base import AppError, ProtocolError
from civiscope.media import Codec, UnitFlags
from civiscope.media.wire import (
    JpegPicture,
    MediaDescription,
    RtpPacket,
    depacketizer_for,
    parse_audio_specific_config,
    parse_jpeg,
    parse_sdp,
    write_audio_specific_config,
    write_jpeg,
    write_rtp,
)
from civiscope.media.wire.jpeg_tables import quantisation_tables

DAMAGED, LOST = UnitFlags.DAMAGED, UnitFlags.DISCONTINUITY
FRAMES = st.lists(st.binary(min_size=1, max_size=900), min_size=1, max_size=8)
PICTURES = st.builds(
    JpegPicture,
    st.integers(1, 255).map(lambda n: 8 * n),
    st.integers(1, 255).map(lambda n: 8 * n),
    st.sampled_from([0, 1]),
    st.sampled_from([0, 1, 40]),
    st.sampled_from([bytes(range(1, 65)), bytes(range(1, 129)), quantisation_tables(50)]),
    st.binary(min_size=1, max_size=3000).map(
        lambda scan: scan.replace(b"\xff", b"\xfe").rstrip(b"\0") + b"\1"
    ),
)


@given(FRAMES, st.integers(64, 1400))
def test_aac_frames_come_as_sent(frames: list[bytes], mtu: int) -> None:
    into = receiver(Codec.AAC, config="1408")
    packets = packets_of(packetizer(Codec.AAC, mtu_bytes=mtu), frames, step=1024)
    units = receive(into, packets)
    assert [unit.data for unit in units] == frames
    assert all(unit.flags & UnitFlags.KEY for unit in units)
    assert [unit.pts for unit in units] == [1024 * n for n in range(len(frames))]


@given(FRAMES, st.data())
def test_what_aac_loses_is_told(frames: list[bytes], data: st.DataObject) -> None:
    packets = packets_of(packetizer(Codec.AAC, mtu_bytes=128), [b"x", *frames], step=1024)
    lost = data.draw(st.sets(st.integers(1, len(packets) - 1)))
    into = receiver(Codec.AAC)
    units = receive(into, [p for place, p in enumerate(packets) if place not in lost])
    assert all(unit.data in [b"x", *frames] for unit in units)


def test_several_aac_frames_in_one_packet() -> None:
    sizes = b"\0\x30" + b"".join((size << 3).to_bytes(2) for size in (2, 3, 1))
    packet = write_rtp(RtpPacket(96, 0, 5000, 7, True, sizes + b"aabbbc"))
    units = receive(receiver(Codec.AAC), [packet])
    assert [(unit.data, unit.pts) for unit in units] == [(b"aa", 0), (b"bbb", 1024), (b"c", 2048)]


def test_audio_specific_configs() -> None:
    reolink = parse_audio_specific_config(bytes.fromhex("1408"))
    assert (reolink.object_type, reolink.sample_rate_hz, reolink.channel_count) == (2, 16000, 1)
    assert reolink.frame_samples == 1024
    assert parse_audio_specific_config(write_audio_specific_config(48000, 2)).channel_count == 2
    for broken in (b"", b"\x17", bytes.fromhex("1698")):
        with pytest.raises(ProtocolError):
            parse_audio_specific_config(broken)


@given(st.binary(max_size=20))
def test_broken_audio_configs_are_protocol_errors(junk: bytes) -> None:
    try:
        parse_audio_specific_config(junk)
    except ProtocolError:
        return


@pytest.mark.parametrize("codec", [Codec.PCMU, Codec.PCMA, Codec.OPUS])
def test_whole_packets_are_units(codec: Codec) -> None:
    into = receiver(codec)
    frames = [bytes((n,)) * 160 for n in range(6)]
    packets = packets_of(packetizer(codec), frames, step=160)
    units = receive(into, packets[:2] + packets[3:])
    assert [unit.data for unit in units] == frames[:2] + frames[3:]
    assert [bool(unit.flags & LOST) for unit in units] == [False, False, True, False, False]


@given(PICTURES, st.integers(256, 1400))
def test_jpeg_pictures_come_whole(picture: JpegPicture, mtu: int) -> None:
    whole = write_jpeg(picture)
    assert parse_jpeg(whole) == picture
    into = receiver(Codec.MJPEG)
    units = receive(into, packets_of(packetizer(Codec.MJPEG, mtu_bytes=mtu), [whole] * 3))
    again = parse_jpeg(units[0].data)
    assert (again.scan, again.width_px, again.height_px) == (
        picture.scan,
        picture.width_px,
        picture.height_px,
    )
    assert (again.kind, again.restart_interval) == (picture.kind, picture.restart_interval)
    assert (again.tables * 2)[:128] == (picture.tables * 2)[:128]
    assert [unit.flags for unit in units] == [UnitFlags.KEY] * 3
    assert units[0].config is not None
    assert units[1].config is None


def test_a_jpeg_picture_with_a_hole_says_so() -> None:
    picture = write_jpeg(JpegPicture(64, 64, 1, 0, bytes(range(1, 129)), b"\1" * 2000))
    packets = packets_of(packetizer(Codec.MJPEG, mtu_bytes=400), [picture] * 4)
    each = len(packets) // 4
    into = receiver(Codec.MJPEG)
    kept = [p for place, p in enumerate(packets) if place not in (2, each, 3 * each - 1)]
    units = receive(into, kept) + list(into.flush())
    assert [bool(unit.flags & DAMAGED) for unit in units] == [True, True, False]
    assert units[-1].data == picture


def test_jpeg_by_quality_number() -> None:
    head = b"\0\0\0\0" + bytes((1, 50, 8, 8))
    units = receive(receiver(Codec.MJPEG), [write_rtp(RtpPacket(26, 0, 0, 7, True, head + b"scan"))])
    assert parse_jpeg(units[0].data).tables == quantisation_tables(50)
    assert quantisation_tables(50)[:3] == bytes((16, 11, 12))


@given(st.binary(max_size=200))
def test_broken_jpeg_files_are_protocol_errors(junk: bytes) -> None:
    for data in (junk, b"\xff\xd8" + junk, write_jpeg(JpegPicture(8, 8, 0, 0, bytes(64), b"1"))[:-20] + junk):
        try:
            parse_jpeg(data)
        except ProtocolError:
            continue


def test_a_real_encoder_s_jpeg_is_still_the_same_picture(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mjpeg") as out:
        stream = out.add_stream("mjpeg", rate=1, options={"huffman": "default"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        frame = av.VideoFrame(64, 48, "yuvj420p")
        for plane in frame.planes:
            plane.update(bytes(n & 0xFF for n in range(plane.buffer_size)))
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            out.mux(packet)
    sent = buffer.getvalue()
    units = receive(receiver(Codec.MJPEG), packets_of(packetizer(Codec.MJPEG, mtu_bytes=500), [sent]))
    planes = []
    for data in (sent, units[0].data):
        with av.open(io.BytesIO(data), "r", format="mjpeg") as container:
            decoded = next(container.decode(video=0))
            planes.append([bytes(plane) for plane in decoded.planes])
    assert planes[0] == planes[1]


def test_descriptions_of_real_cameras_give_depacketizers(shared_data: Path) -> None:
    sizes = {}
    for path in sorted((shared_data / "rtsp").iterdir()):
        text = path.read_bytes().partition(b"v=0")
        if not text[1]:
            continue
        for track in parse_sdp(b"v=0" + text[2]).tracks:
            if track.codec is None:
                with pytest.raises(AppError):
                    depacketizer_for(track)
                continue
            config = depacketizer_for(track).config
            if config is not None and config.width_px:
                sizes[path.name] = (config.width_px, config.height_px)
    assert sizes["dahua_describe_h265_pcma.txt"] == (704, 480)
    assert sizes["gw_main_describe.txt"][0] > 0
    assert len(sizes) >= 12, sizes


def test_aac_without_its_configuration_is_read_from_the_rtpmap() -> None:
    media = MediaDescription("audio", 97, "MPEG4-GENERIC", 16000, 1, fmtp=(("config", "zz"),))
    config = depacketizer_for(media).config
    assert config is not None
    assert (config.sample_rate_hz, config.channel_count) == (16000, 1)
