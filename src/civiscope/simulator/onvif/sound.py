"""What a device tells of the sound in its streams; only files that have a sound track have any."""

from civiscope.media import Codec, TrackConfig, TrackKind
from civiscope.simulator.onvif.device import Profile
from civiscope.simulator.onvif.soap import Node, node

_ENCODINGS = {Codec.AAC: "AAC", Codec.PCMU: "G711", Codec.PCMA: "G711"}
"""ver10 has no word for A-law or Opus; the first is called G711 too, the second is not told."""
_MEDIA_TYPES = {Codec.AAC: "MP4A-LATM", Codec.PCMU: "PCMU", Codec.PCMA: "PCMA", Codec.OPUS: "OPUS"}
"""IANA media types, as ver20 wants them."""
_BITRATE_KBPS = 64


def _track(profile: Profile) -> TrackConfig | None:
    return next((one for one in profile.camera.footage.tracks if one.kind is TrackKind.AUDIO), None)


def sound_source(profile: Profile, name: str) -> Node | None:
    """The audio source configuration; None for a silent stream."""
    if _track(profile) is None:
        return None
    return node(
        name,
        node("tt:Name", "Microphone"),
        node("tt:UseCount", "1"),
        node("tt:SourceToken", "microphone"),
        token="microphone-configuration",  # noqa: S106  an ONVIF token, no secret
    )


def sound_encoder(profile: Profile, name: str, multicast: Node) -> Node | None:
    """tt:AudioEncoderConfiguration of ver10; None for a silent stream, or a codec it has no word for."""
    track = _track(profile)
    if track is None or track.codec not in _ENCODINGS:
        return None
    return node(
        name,
        node("tt:Name", "Sound"),
        node("tt:UseCount", "1"),
        node("tt:Encoding", _ENCODINGS[track.codec]),
        node("tt:Bitrate", str(_BITRATE_KBPS)),
        node("tt:SampleRate", str(max(1, round(track.sample_rate_hz / 1000)))),
        multicast,
        node("tt:SessionTimeout", "PT60S"),
        token=f"sound-{profile.token}",
    )


def sound_encoder2(profile: Profile, name: str) -> Node | None:
    """tt:AudioEncoder2Configuration of ver20; None for a silent stream."""
    track = _track(profile)
    if track is None:
        return None
    return node(
        name,
        node("tt:Name", "Sound"),
        node("tt:UseCount", "1"),
        node("tt:Encoding", _MEDIA_TYPES[track.codec]),
        node("tt:Bitrate", str(_BITRATE_KBPS)),
        node("tt:SampleRate", str(max(1, round(track.sample_rate_hz / 1000)))),
        token=f"sound-{profile.token}",
    )
