"""The first media service (ONVIF Media, ver10): profiles in H.264 or JPEG, addresses of streams."""

from civiscope.simulator.onvif.calls import Call, Operation, Service, number
from civiscope.simulator.onvif.device import VIDEO_SOURCE, VIDEO_SOURCE_CONFIGURATION, Profile
from civiscope.simulator.onvif.encoding import Encoding, applied
from civiscope.simulator.onvif.login import Access
from civiscope.simulator.onvif.soap import Node, SoapFault, invalid, node
from civiscope.simulator.onvif.sound import sound_encoder, sound_source
from civiscope.simulator.onvif.stream_address import snapshot_uri, stream_uri


def size_px(profile: Profile) -> tuple[int, int]:
    """Of the pictures that are really sent."""
    track = next(one for one in profile.camera.footage.tracks if one.width_px)
    return track.width_px, track.height_px


def resolution(name: str, width_px: int, height_px: int) -> Node:
    """tt:VideoResolution."""
    return node(name, node("tt:Width", str(width_px)), node("tt:Height", str(height_px)))


def source_configuration(call: Call, name: str) -> Node:
    """The one video source configuration, the whole picture."""
    width_px, height_px = size_px(call.device.profiles[0])
    bounds = node("tt:Bounds", x="0", y="0", width=str(width_px), height=str(height_px))
    return node(
        name,
        node("tt:Name", "Whole picture"),
        node("tt:UseCount", str(len(call.device.profiles))),
        node("tt:SourceToken", VIDEO_SOURCE),
        bounds,
        token=VIDEO_SOURCE_CONFIGURATION,
    )


def encoder_options_profile(call: Call) -> Profile:
    """The encoder that options are asked for; the first one when neither is named."""
    for field in ("ConfigurationToken", "ProfileToken"):
        token = call.text(f"trt:{field}") or call.text(f"tr2:{field}")
        if token:
            found = call.device.profile(token)
            if found is None:
                raise invalid("there is no such configuration", "ter:NoConfig")
            return found
    return call.device.profiles[0]


def _encoder(profile: Profile, encoding: Encoding, name: str) -> Node | None:
    if encoding.codec == "H265":
        return None  # ver10 has no word for it
    h264 = node(
        "tt:H264",
        node("tt:GovLength", str(encoding.gop_frames)),
        node("tt:H264Profile", encoding.profile),
    )
    return node(
        name,
        node("tt:Name", profile.name),
        node("tt:UseCount", "1"),
        node("tt:Encoding", encoding.codec),
        resolution("tt:Resolution", encoding.width_px, encoding.height_px),
        node("tt:Quality", f"{encoding.quality:g}"),
        node(
            "tt:RateControl",
            node("tt:FrameRateLimit", str(max(1, round(encoding.fps)))),
            node("tt:EncodingInterval", "1"),
            node("tt:BitrateLimit", str(encoding.bitrate_kbps)),
        ),
        h264 if encoding.codec == "H264" else None,
        _no_multicast(),
        node("tt:SessionTimeout", "PT60S"),
        token=profile.token,
    )


def _no_multicast() -> Node:
    address = node("tt:Address", node("tt:Type", "IPv4"), node("tt:IPv4Address", "0.0.0.0"))  # noqa: S104  no multicast
    return node(
        "tt:Multicast", address, node("tt:Port", "0"), node("tt:TTL", "0"), node("tt:AutoStart", "false")
    )


def _ptz(call: Call) -> Node | None:
    return (
        None
        if not call.device.traits.has_ptz
        else ptz_configuration("tt:PTZConfiguration", len(call.device.profiles))
    )


def ptz_configuration(name: str, use_count: int) -> Node:
    """The one PTZ configuration (ONVIF PTZ §5.2)."""
    base = "http://www.onvif.org/ver10/tptz"
    spaces = (
        ("DefaultAbsolutePantTiltPositionSpace", "PanTiltSpaces/PositionGenericSpace"),
        ("DefaultAbsoluteZoomPositionSpace", "ZoomSpaces/PositionGenericSpace"),
        ("DefaultRelativePanTiltTranslationSpace", "PanTiltSpaces/TranslationGenericSpace"),
        ("DefaultRelativeZoomTranslationSpace", "ZoomSpaces/TranslationGenericSpace"),
        ("DefaultContinuousPanTiltVelocitySpace", "PanTiltSpaces/VelocityGenericSpace"),
        ("DefaultContinuousZoomVelocitySpace", "ZoomSpaces/VelocityGenericSpace"),
    )
    return node(
        name,
        node("tt:Name", "Head"),
        node("tt:UseCount", str(use_count)),
        node("tt:NodeToken", "head"),
        *(node(f"tt:{field}", f"{base}/{space}") for field, space in spaces),
        node("tt:DefaultPTZTimeout", "PT10S"),
        token="ptz",  # noqa: S106  an ONVIF token, no secret
    )


def _profile(call: Call, profile: Profile, name: str) -> Node:
    return node(
        name,
        node("tt:Name", profile.name),
        source_configuration(call, "tt:VideoSourceConfiguration"),
        sound_source(profile, "tt:AudioSourceConfiguration"),
        _encoder(profile, call.device.encodings[profile.token], "tt:VideoEncoderConfiguration"),
        sound_encoder(profile, "tt:AudioEncoderConfiguration", _no_multicast()),
        _ptz(call),
        token=profile.token,
        fixed="true",
    )


def _profiles(call: Call) -> Node:
    told = [_profile(call, profile, "trt:Profiles") for profile in call.device.profiles]
    return node("trt:GetProfilesResponse", *told)


def _one_profile(call: Call) -> Node:
    return node("trt:GetProfileResponse", _profile(call, call.profile("trt:ProfileToken"), "trt:Profile"))


def _sources(call: Call) -> Node:
    width_px, height_px = size_px(call.device.profiles[0])
    inner = node(
        "trt:VideoSources",
        node("tt:Framerate", f"{call.device.encodings['main'].fps:g}"),
        resolution("tt:Resolution", width_px, height_px),
        token=VIDEO_SOURCE,
    )
    return node("trt:GetVideoSourcesResponse", inner)


def _source_configurations(call: Call) -> Node:
    return node("trt:GetVideoSourceConfigurationsResponse", source_configuration(call, "trt:Configurations"))


def _encoders(call: Call) -> Node:
    found = [
        _encoder(profile, call.device.encodings[profile.token], "trt:Configurations")
        for profile in call.device.profiles
    ]
    return node("trt:GetVideoEncoderConfigurationsResponse", *found)


def _one_encoder(call: Call) -> Node:
    found = call.device.profile(call.text("trt:ConfigurationToken"))
    if found is None:
        raise invalid("there is no such configuration", "ter:NoConfig")
    told = _encoder(found, call.device.encodings[found.token], "trt:Configuration")
    return node("trt:GetVideoEncoderConfigurationResponse", told)


def _options(call: Call) -> Node:
    options = encoder_options_profile(call).options
    ranges = (
        ("tt:FrameRateRange", (max(1, round(options.fps[-1])), round(options.fps[0]))),
        ("tt:EncodingIntervalRange", (1, 1)),
    )
    sizes = [resolution("tt:ResolutionsAvailable", *size) for size in options.sizes_px]
    rates = [value_range(name, *ends) for name, ends in ranges]
    jpeg = node("tt:JPEG", *sizes, *rates)
    profiles = [node("tt:H264ProfilesSupported", name) for name in options.profiles]
    h264 = node("tt:H264", *sizes, value_range("tt:GovLengthRange", *options.gop_frames), *rates, *profiles)
    rated = node("tt:H264", *h264.content, value_range("tt:BitrateRange", *options.bitrate_kbps))
    inner = node(
        "trt:Options",
        value_range("tt:QualityRange", *options.quality),
        jpeg if "JPEG" in options.codecs else None,
        h264,
        node("tt:Extension", rated),
    )
    return node("trt:GetVideoEncoderConfigurationOptionsResponse", inner)


def value_range(name: str, low: float, high: float) -> Node:
    """tt:IntRange or tt:FloatRange."""
    return node(name, node("tt:Min", f"{low:g}"), node("tt:Max", f"{high:g}"))


def _set_encoder(call: Call) -> Node:
    wish = call.find("trt:Configuration")
    token = "" if wish is None else wish.get("token", "")
    profile = call.device.profile(token)
    if profile is None:
        raise invalid("there is no such configuration", "ter:NoConfig")
    old = call.device.encodings[token]

    def told(default: float | str, *names: str) -> str:
        return call.text("trt:Configuration", *names) or str(default)

    codec = told(old.codec, "tt:Encoding")
    if codec == "MPEG4":
        raise invalid("the configuration parameters are not possible to set", "ter:ConfigModify")
    wanted = Encoding(
        codec,
        int(number(told(old.width_px, "tt:Resolution", "tt:Width"), "Width")),
        int(number(told(old.height_px, "tt:Resolution", "tt:Height"), "Height")),
        number(told(old.fps, "tt:RateControl", "tt:FrameRateLimit"), "FrameRateLimit"),
        int(number(told(old.gop_frames, "tt:H264", "tt:GovLength"), "GovLength")),
        int(number(told(old.bitrate_kbps, "tt:RateControl", "tt:BitrateLimit"), "BitrateLimit")),
        old.is_constant_bitrate,
        number(told(old.quality, "tt:Quality"), "Quality"),
        told(old.profile, "tt:H264", "tt:H264Profile"),
    )
    call.device.set_encoding(token, applied(old, wanted, profile.options, call.device.faults.encoder))
    return node("trt:SetVideoEncoderConfigurationResponse")


def _media_uri(name: str, uri: str) -> Node:
    inner = node(
        "trt:MediaUri",
        node("tt:Uri", uri),
        node("tt:InvalidAfterConnect", "false"),
        node("tt:InvalidAfterReboot", "false"),
        node("tt:Timeout", "PT0S"),
    )
    return node(name, inner)


def _stream_uri(call: Call) -> Node:
    profile = call.profile("trt:ProfileToken")
    if call.text("trt:StreamSetup", "tt:Stream") not in {"", "RTP-Unicast"}:
        raise invalid("there is no multicast", "ter:InvalidStreamSetup")
    protocol = call.text("trt:StreamSetup", "tt:Transport", "tt:Protocol")
    if protocol not in {"", "UDP", "TCP", "RTSP"}:
        raise SoapFault("there is no tunnel over HTTP", "ter:InvalidArgVal", "ter:InvalidStreamSetup")
    return _media_uri("trt:GetStreamUriResponse", stream_uri(call, profile))


def _snapshot_uri(call: Call) -> Node:
    return _media_uri("trt:GetSnapshotUriResponse", snapshot_uri(call, call.profile("trt:ProfileToken")))


def _service_capabilities(call: Call) -> Node:
    inner = node(
        "trt:Capabilities",
        node("trt:ProfileCapabilities", MaximumNumberOfProfiles=str(len(call.device.profiles))),
        node("trt:StreamingCapabilities", RTPMulticast="false", RTP_TCP="true", RTP_RTSP_TCP="true"),
        SnapshotUri="true" if call.device.snapshot else "false",
    )
    return node("trt:GetServiceCapabilitiesResponse", inner)


def _key_unit_soon(_: Call) -> Node:
    return node("trt:SetSynchronizationPointResponse")


MEDIA_SERVICE: Service = {
    "GetServiceCapabilities": Operation(Access.PRE_AUTH, _service_capabilities),
    "GetProfiles": Operation(Access.READ_MEDIA, _profiles),
    "GetProfile": Operation(Access.READ_MEDIA, _one_profile),
    "GetVideoSources": Operation(Access.READ_MEDIA, _sources),
    "GetVideoSourceConfigurations": Operation(Access.READ_MEDIA, _source_configurations),
    "GetVideoEncoderConfigurations": Operation(Access.READ_MEDIA, _encoders),
    "GetVideoEncoderConfiguration": Operation(Access.READ_MEDIA, _one_encoder),
    "GetVideoEncoderConfigurationOptions": Operation(Access.READ_MEDIA, _options),
    "SetVideoEncoderConfiguration": Operation(Access.ACTUATE, _set_encoder),
    "GetStreamUri": Operation(Access.READ_MEDIA, _stream_uri),
    "GetSnapshotUri": Operation(Access.READ_MEDIA, _snapshot_uri),
    "SetSynchronizationPoint": Operation(Access.ACTUATE, _key_unit_soon),
}
