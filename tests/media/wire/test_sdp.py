"""Session descriptions: round trips, what real cameras write, and any bytes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import ProtocolError
from civiscope.media import Codec
from civiscope.media.wire import (
    MediaDescription,
    RtspParser,
    RtspResponse,
    SessionDescription,
    parse_rtp_info,
    parse_sdp,
    parse_session,
    parse_transport,
    resolve_control,
    write_sdp,
)

_WORDS = st.from_regex(r"[a-z][a-z0-9-]{0,9}", fullmatch=True)
_VALUES = st.from_regex(r"[A-Za-z0-9+/=,.]{1,20}", fullmatch=True)
_MEDIA = st.builds(
    MediaDescription,
    media=st.sampled_from(["video", "audio", "application"]),
    payload_type=st.integers(0, 127),
    encoding=st.from_regex(r"[A-Z][A-Z0-9.-]{0,11}", fullmatch=True),
    clock_rate_hz=st.integers(1, 999_999_999),
    channel_count=st.integers(0, 8),
    fmtp=st.dictionaries(_WORDS, _VALUES, max_size=4).map(lambda d: tuple(d.items())),
    control=st.from_regex(r"trackID=[0-9]{1,3}", fullmatch=True),
    frame_rate_fps=st.sampled_from([0.0, 12.5, 25.0, 29.970030]),
    port=st.integers(0, 65535),
)


def bare(track: MediaDescription) -> MediaDescription:
    return MediaDescription(
        track.media, track.payload_type, track.encoding, track.clock_rate_hz, track.channel_count, track.fmtp,
        track.control, track.frame_rate_fps, (), track.port, track.protocol,
    )  # fmt: skip


@given(st.lists(_MEDIA, max_size=4, unique_by=lambda track: track.payload_type), _WORDS)
def test_what_is_written_is_read(tracks: list[MediaDescription], name: str) -> None:
    read = parse_sdp(write_sdp(SessionDescription(tuple(tracks), name=name)))
    assert [bare(track) for track in read.tracks] == tracks
    assert (read.name, read.control) == (name, "*")


@given(st.binary(max_size=500))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        parse_sdp(data)
        parse_sdp(b"v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:" + data)
    except ProtocolError:
        return


@given(st.text(max_size=200))
def test_any_header_text_is_read_or_refused(text: str) -> None:
    parse_transport(text)
    parse_rtp_info(text)
    try:
        parse_session(text)
    except ProtocolError:
        return


def test_limits_are_told_in_words() -> None:
    with pytest.raises(ProtocolError, match="64 KiB"):
        parse_sdp(b"v=0\r\n" * 20_000)
    with pytest.raises(ProtocolError, match="tracks"):
        parse_sdp(b"m=video 0 RTP/AVP 96\n" * 100)
    with pytest.raises(ProtocolError, match="no line"):
        parse_sdp(b"<html>no</html>")
    with pytest.raises(ProtocolError, match="line break"):
        write_sdp(SessionDescription((), name="a\r\nb"))


def body_of(path: Path) -> bytes:
    data = path.read_bytes()
    if not data.startswith(b"RTSP/"):
        return data
    (message,) = RtspParser().feed(data)
    assert isinstance(message, RtspResponse)
    return message.body


EXPECTED = {
    "bunny_describe.txt": [("video", Codec.H264, 90_000), ("audio", Codec.AAC, 12_000)],
    "dahua_describe_h264_aac_onvif.txt": [("video", Codec.H264, 90_000), ("audio", Codec.AAC, 48_000)],
    "dahua_describe_h265_pcma.txt": [("video", Codec.H265, 90_000), ("audio", Codec.PCMA, 8_000)],
    "foscam_describe.txt": [("video", Codec.H264, 90_000), ("audio", Codec.PCMU, 8_000)],
    "geovision_sdp.txt": [("video", Codec.H264, 90_000)],
    "go2rtc_TestBugSDP1.sdp": [("video", Codec.H264, 90_000), ("audio", Codec.AAC, 8_000)],
    "go2rtc_TestBugSDP2.sdp": [("video", Codec.H264, 90_000), ("audio", Codec.PCMA, 8_000)],
    "go2rtc_TestBugSDP4.sdp": [("video", Codec.H264, 90_000), ("audio", Codec.PCMA, 8_000)],
    "go2rtc_TestBugSDP6.sdp": [("video", Codec.MJPEG, 90_000), ("audio", Codec.PCMU, 8_000)],
    "gw_main_describe.txt": [("video", Codec.H264, 90_000), ("audio", Codec.PCMU, 8_000)],
    "gw_sub_describe.txt": [("video", Codec.H264, 90_000)],
    "h264dvr_describe.txt": [("video", Codec.H264, 90_000), ("audio", Codec.PCMA, 8_000)],
    "ipcam_describe.txt": [("video", Codec.H264, 90_000)],
    "reolink_describe.txt": [("video", Codec.H264, 90_000), ("audio", Codec.AAC, 16_000)],
    "reolink_describe_control_first.txt": [("video", Codec.H264, 90_000), ("audio", Codec.AAC, 16_000)],
    "tplink_sdp.txt": [("video", Codec.H265, 90_000), ("audio", Codec.PCMA, 8_000)],
}


@pytest.mark.footage
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_every_captured_description_reads(shared_data: Path, name: str) -> None:
    description = parse_sdp(body_of(shared_data / "rtsp" / name))
    readable = [(t.media, t.codec, t.clock_rate_hz) for t in description.tracks if t.codec is not None]
    assert sorted(readable, reverse=True) == EXPECTED[name]
    for track in description.tracks:
        if track.codec in {Codec.H264, Codec.H265}:
            assert track.parameter("sprop-parameter-sets") or track.parameter("sprop-sps")
        if track.codec is Codec.AAC:
            assert track.parameter("config")
    assert parse_sdp(write_sdp(description)).tracks


@pytest.mark.footage
def test_every_captured_reply_reads(shared_data: Path) -> None:
    captures = sorted((shared_data / "rtsp").glob("*.txt"))
    assert captures
    for path in captures:
        if path.read_bytes().startswith(b"RTSP/"):
            (message,) = RtspParser().feed(path.read_bytes())
            assert isinstance(message, RtspResponse)
            assert (message.status, message.cseq is not None) == (200, True)


def test_lies_about_frame_rate_and_stray_parameters_are_seen_through() -> None:
    text = (
        b"v=0\nm=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000 \na=framerate:0S\na=framerate:25\n"
        b"m=audio 0 RTP/AVP 8\na=rtpmap:0 pcma/8000/1\n"
        b"a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Zw==,aA==\n"
    )
    video, audio = parse_sdp(text).tracks
    (unmapped,) = parse_sdp(b"m=video 0 RTP/AVP 96\na=rtpmap:97 H265\na=recvonly\n").tracks
    assert (unmapped.codec, unmapped.clock_rate_hz) == (Codec.H265, 90_000)
    (nameless,) = parse_sdp(b"m=application 0 RTP/AVP 99\nb=AS:5\n").tracks
    assert (nameless.encoding, nameless.codec) == ("", None)
    assert b"a=control:*\r\nm=application 0 RTP/AVP 99\r\n" in write_sdp(SessionDescription((nameless,)))
    assert video.frame_rate_fps == 25.0
    assert video.parameter("Sprop-Parameter-Sets") == "Zw==,aA=="
    assert (audio.codec, audio.fmtp) == (Codec.PCMA, ())
    assert video.attribute("framerate") == "0S"


@pytest.mark.parametrize(
    ("base", "control", "address"),
    [
        ("rtsp://h/a/", "trackID=1", "rtsp://h/a/trackID=1"),
        ("rtsp://h/a", "trackID=1", "rtsp://h/a/trackID=1"),
        ("rtsp://h/a/", "/trackID=1", "rtsp://h/a/trackID=1"),
        ("rtsp://h/H264?channel=1&proto=Onvif", "video", "rtsp://h/H264?channel=1&proto=Onvif/video"),
        ("rtsp://h/a", "rtsp://other/video", "rtsp://other/video"),
        ("rtsp://h/a/", "?track=1", "rtsp://h/a?track=1"),
        ("rtsp://h/a", "*", "rtsp://h/a"),
        ("rtsp://h/a", "", "rtsp://h/a"),
    ],
)
def test_addresses_of_tracks_are_made_as_other_clients_make_them(
    base: str, control: str, address: str
) -> None:
    assert resolve_control(base, control) == address


def test_transport_session_and_rtp_info_of_cameras_are_read() -> None:
    (udp,) = parse_transport(
        "RTP/AVP;unicast;mode=PLAY;source=127.0.0.1;client_port=18714-18715;server_port=40004-40005;ssrc=0"
    )
    assert (udp.client_ports, udp.server_ports, udp.ssrc) == ((18714, 18715), (40004, 40005), None)
    (tcp,) = parse_transport("RTP/AVP/TCP;unicast;interleaved=4;ssrc=30A98EE7")
    assert (tcp.interleaved, tcp.ssrc) == ((4, 5), 0x30A98EE7)
    told = str(parse_transport('RTP/AVP;multicast;destination=224.0.0.1;source=h;mode="PLAY"')[0])
    assert told == 'RTP/AVP;multicast;destination=224.0.0.1;source=h;mode="PLAY"'
    assert parse_transport("RAW/RAW/UDP, RTP/AVP/TCP;interleaved=300-301")[0].interleaved is None
    session = parse_session(" 9a90de54 ; timeout = 120 ")
    assert (session.session_id, session.timeout_s) == ("9a90de54", 120)
    assert parse_session("1;timeout=0").timeout_s == 60
    told = "url=trackID=1;seq=1;rtptime=0,url=rtsp://h/mp4:a,b.mov/trackID=2;seq=70000;rtptime=5;ssrc=ff"
    infos = parse_rtp_info(told)
    assert [(i.url, i.sequence, i.timestamp) for i in infos] == [
        ("trackID=1", 1, 0), ("rtsp://h/mp4:a,b.mov/trackID=2", None, 5),
    ]  # fmt: skip
    with pytest.raises(ProtocolError, match="names no session"):
        parse_session(";timeout=5")
