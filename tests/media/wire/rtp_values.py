"""Made-up access units and the receiving of them, for the tests of the RTP half."""

from collections.abc import Iterable, Sequence

from hypothesis import strategies as st

from civiscope.media import Codec, TrackConfig
from civiscope.media.wire import (
    Arrival,
    MediaDescription,
    Packetizer,
    RtpReceiver,
    RunOrigin,
    TimedUnit,
    UnitClock,
    depacketizer_for,
    join_nals,
    packetizer_for,
)

SPS_264 = bytes.fromhex("674d001f95a814016e40")  # 1280x720, from a Foscam
PPS_264 = bytes.fromhex("68ee3c80")
VPS_265 = bytes.fromhex("40010c01ffff016000000300b0000003000003005aac0c00000300040000030032a8")
SPS_265 = bytes.fromhex(
    "42010101600000030 0b0000003000003005aa0058201e1636b9245 2fcdc14181410000030001000003000ca1".replace(
        " ", ""
    )
)  # from a Dahua
PPS_265 = bytes.fromhex("4401c0f2c68d03b340")


def description(codec: Codec, **fmtp: str) -> MediaDescription:
    names = {Codec.H264: "H264", Codec.H265: "H265", Codec.MJPEG: "JPEG", Codec.AAC: "MPEG4-GENERIC",
             Codec.PCMU: "PCMU", Codec.PCMA: "PCMA", Codec.OPUS: "OPUS"}  # fmt: skip
    video = codec in (Codec.H264, Codec.H265, Codec.MJPEG)
    rate = 90000 if video else 48000 if codec is Codec.OPUS else 16000 if codec is Codec.AAC else 8000
    return MediaDescription(
        "video" if video else "audio", 96, names[codec], rate,
        fmtp=tuple((name.replace("_", "-"), value) for name, value in fmtp.items()),
    )  # fmt: skip


def receiver(codec: Codec, *, reorder: bool = False, **fmtp: str) -> RtpReceiver:
    media = description(codec, **fmtp)
    clock = UnitClock(media.clock_rate_hz, RunOrigin(), reorders=codec in (Codec.H264, Codec.H265))
    return RtpReceiver(depacketizer_for(media), clock, 96, reorder=reorder)


def packetizer(codec: Codec, *, sequence: int = 0, mtu_bytes: int = 1400, ssrc: int = 7) -> Packetizer:
    config = TrackConfig(1, codec, 90000)
    return packetizer_for(config, 96, ssrc, sequence=sequence, mtu_bytes=mtu_bytes)


def receive(
    into: RtpReceiver, packets: Iterable[bytes], *, start_us: int = 0, step_us: int = 0
) -> list[TimedUnit]:
    """Push packets `step_us` apart; no flush."""
    units: list[TimedUnit] = []
    for place, packet in enumerate(packets):
        now_us = start_us + place * step_us
        units += into.push(memoryview(packet), Arrival(now_us, now_us))
    return units


def slice_264(first: bool = True, key: bool = False, body: bytes = b"abc") -> bytes:
    return bytes((0x65 if key else 0x41, 0x88 if first else 0x48)) + body


def slice_265(first: bool = True, key: bool = False, body: bytes = b"abc") -> bytes:
    return bytes(((19 if key else 1) << 1, 1, 0x88 if first else 0x08)) + body


_BODY = st.binary(min_size=1, max_size=400)


@st.composite
def pictures_264(draw: st.DrawFn) -> bytes:
    """One access unit: anything that may lead, then one or more slices of one picture."""
    nals = [b"\x09\xf0"] if draw(st.booleans()) else []
    if draw(st.booleans()):
        nals += [SPS_264, PPS_264]
    nals += [b"\x06" + body for body in draw(st.lists(_BODY, max_size=2))]
    key = draw(st.booleans())
    nals.append(slice_264(True, key, draw(_BODY)))
    nals += [slice_264(False, key, body) for body in draw(st.lists(_BODY, max_size=3))]
    return join_nals(nals)


@st.composite
def pictures_265(draw: st.DrawFn) -> bytes:
    """One access unit of H.265, suffix SEI included."""
    nals = [b"\x46\x01\x10"] if draw(st.booleans()) else []
    if draw(st.booleans()):
        nals += [VPS_265, SPS_265, PPS_265]
    nals += [b"\x4e\x01" + body for body in draw(st.lists(_BODY, max_size=2))]
    key = draw(st.booleans())
    nals.append(slice_265(True, key, draw(_BODY)))
    nals += [slice_265(False, key, body) for body in draw(st.lists(_BODY, max_size=3))]
    nals += [b"\x50\x01" + body for body in draw(st.lists(_BODY, max_size=1))]
    return join_nals(nals)


def packets_of(maker: Packetizer, units: Sequence[bytes], *, start: int = 0, step: int = 3600) -> list[bytes]:
    return [
        packet for place, unit in enumerate(units) for packet in maker.packets(unit, start + place * step)
    ]
