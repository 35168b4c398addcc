"""The second media service (ONVIF Media2, ver20): as the first, with H.265 and broken frame rates."""

from civiscope.simulator.onvif.calls import Call, Operation, Service, number, truth
from civiscope.simulator.onvif.device import Profile
from civiscope.simulator.onvif.encoding import Encoding, applied
from civiscope.simulator.onvif.login import Access
from civiscope.simulator.onvif.media_service import (
    encoder_options_profile,
    ptz_configuration,
    resolution,
    source_configuration,
    value_range,
)
from civiscope.simulator.onvif.soap import Node, SoapFault, invalid, node, qualified
from civiscope.simulator.onvif.sound import sound_encoder2, sound_source
from civiscope.simulator.onvif.stream_address import snapshot_uri, stream_uri


def _encoder(profile: Profile, encoding: Encoding, name: str) -> Node:
    control = node(
        "tt:RateControl",
        node("tt:FrameRateLimit", f"{encoding.fps:g}"),
        node("tt:BitrateLimit", str(encoding.bitrate_kbps)),
        ConstantBitRate=truth(encoding.is_constant_bitrate),
    )
    attributes: tuple[tuple[str, str], ...] = (("token", profile.token),)
    if encoding.codec != "JPEG":
        attributes += (("GovLength", str(encoding.gop_frames)), ("Profile", encoding.profile))
    content = (
        node("tt:Name", profile.name),
        node("tt:UseCount", "1"),
        node("tt:Encoding", encoding.codec),
        resolution("tt:Resolution", encoding.width_px, encoding.height_px),
        control,
        node("tt:Quality", f"{encoding.quality:g}"),
    )
    return Node(name, attributes, content)


def _profiles(call: Call) -> Node:
    token = call.text("tr2:Token")
    if token and call.device.profile(token) is None:
        raise invalid("there is no such profile", "ter:NoProfile")
    types = {(one.text or "").strip() for one in call.body.iter(qualified("tr2:Type"))}
    told = [
        _profile(call, profile, types) for profile in call.device.profiles if token in {"", profile.token}
    ]
    return node("tr2:GetProfilesResponse", *told)


def _profile(call: Call, profile: Profile, types: set[str]) -> Node:
    def wants(kind: str) -> bool:
        return bool(types & {"All", kind})

    encoding = call.device.encodings[profile.token]
    with_ptz = wants("PTZ") and call.device.traits.has_ptz
    inner = (
        source_configuration(call, "tr2:VideoSource") if wants("VideoSource") else None,
        sound_source(profile, "tr2:AudioSource") if wants("AudioSource") else None,
        _encoder(profile, encoding, "tr2:VideoEncoder") if wants("VideoEncoder") else None,
        sound_encoder2(profile, "tr2:AudioEncoder") if wants("AudioEncoder") else None,
        ptz_configuration("tr2:PTZ", len(call.device.profiles)) if with_ptz else None,
    )
    configurations = node("tr2:Configurations", *inner) if any(inner) else None
    return node(
        "tr2:Profiles",
        node("tr2:Name", profile.name),
        configurations,
        token=profile.token,
        fixed="true",
    )


def _source_configurations(call: Call) -> Node:
    told = source_configuration(call, "tr2:Configurations")
    return node("tr2:GetVideoSourceConfigurationsResponse", told)


def _encoders(call: Call) -> Node:
    wanted = call.text("tr2:ConfigurationToken") or call.text("tr2:ProfileToken")
    if wanted and call.device.profile(wanted) is None:
        raise invalid("there is no such configuration", "ter:NoConfig")
    found = [
        _encoder(profile, call.device.encodings[profile.token], "tr2:Configurations")
        for profile in call.device.profiles
        if wanted in {"", profile.token}
    ]
    return node("tr2:GetVideoEncoderConfigurationsResponse", *found)


def _options(call: Call) -> Node:
    options = encoder_options_profile(call).options
    told = []
    for codec in options.codecs:
        attributes = {
            "FrameRatesSupported": " ".join(f"{fps:g}" for fps in options.fps),
            "ConstantBitRateSupported": "true",
        }
        if codec != "JPEG":
            attributes["GovLengthRange"] = " ".join(str(end) for end in options.gop_frames)
            attributes["ProfilesSupported"] = " ".join(options.profiles)
        told.append(
            node(
                "tr2:Options",
                node("tt:Encoding", codec),
                value_range("tt:QualityRange", *options.quality),
                *(resolution("tt:ResolutionsAvailable", *size) for size in options.sizes_px),
                value_range("tt:BitrateRange", *options.bitrate_kbps),
                **attributes,
            )
        )
    return node("tr2:GetVideoEncoderConfigurationOptionsResponse", *told)


def _set_encoder(call: Call) -> Node:
    wish = call.find("tr2:Configuration")
    token = "" if wish is None else wish.get("token", "")
    profile = call.device.profile(token)
    if wish is None or profile is None:
        raise invalid("there is no such configuration", "ter:NoConfig")
    old = call.device.encodings[token]

    def told(default: float | str, *names: str) -> str:
        return call.text("tr2:Configuration", *names) or str(default)

    control = call.find("tr2:Configuration", "tt:RateControl")
    constant = truth(old.is_constant_bitrate) if control is None else control.get("ConstantBitRate", "false")
    wanted = Encoding(
        told(old.codec, "tt:Encoding"),
        int(number(told(old.width_px, "tt:Resolution", "tt:Width"), "Width")),
        int(number(told(old.height_px, "tt:Resolution", "tt:Height"), "Height")),
        number(told(old.fps, "tt:RateControl", "tt:FrameRateLimit"), "FrameRateLimit"),
        int(number(wish.get("GovLength", str(old.gop_frames)), "GovLength")),
        int(number(told(old.bitrate_kbps, "tt:RateControl", "tt:BitrateLimit"), "BitrateLimit")),
        constant in {"true", "1"},
        number(told(old.quality, "tt:Quality"), "Quality"),
        wish.get("Profile", old.profile),
    )
    call.device.set_encoding(token, applied(old, wanted, profile.options, call.device.faults.encoder))
    return node("tr2:SetVideoEncoderConfigurationResponse")


def _stream_uri(call: Call) -> Node:
    profile = call.profile("tr2:ProfileToken")
    if call.text("tr2:Protocol") not in {"", "RtspUnicast", "RTSP"}:
        raise invalid("only unicast by RTSP is served", "ter:InvalidStreamSetup")
    return node("tr2:GetStreamUriResponse", node("tr2:Uri", stream_uri(call, profile)))


def _snapshot_uri(call: Call) -> Node:
    uri = snapshot_uri(call, call.profile("tr2:ProfileToken"))
    return node("tr2:GetSnapshotUriResponse", node("tr2:Uri", uri))


def _service_capabilities(call: Call) -> Node:
    count = str(len(call.device.profiles))
    profiles = node(
        "tr2:ProfileCapabilities",
        MaximumNumberOfProfiles=count,
        ConfigurationsSupported="VideoSource VideoEncoder AudioSource AudioEncoder PTZ",
    )
    streaming = node(
        "tr2:StreamingCapabilities", RTSPStreaming="true", RTPMulticast="false", RTP_RTSP_TCP="true"
    )
    has_snapshot = truth(bool(call.device.snapshot))
    inner = node("tr2:Capabilities", profiles, streaming, SnapshotUri=has_snapshot)
    return node("tr2:GetServiceCapabilitiesResponse", inner)


def _key_unit_soon(_: Call) -> Node:
    return node("tr2:SetSynchronizationPointResponse")


_ANSWERS: Service = {
    "GetServiceCapabilities": Operation(Access.PRE_AUTH, _service_capabilities),
    "GetProfiles": Operation(Access.READ_MEDIA, _profiles),
    "GetVideoSourceConfigurations": Operation(Access.READ_MEDIA, _source_configurations),
    "GetVideoEncoderConfigurations": Operation(Access.READ_MEDIA, _encoders),
    "GetVideoEncoderConfigurationOptions": Operation(Access.READ_MEDIA, _options),
    "SetVideoEncoderConfiguration": Operation(Access.ACTUATE, _set_encoder),
    "GetStreamUri": Operation(Access.READ_MEDIA, _stream_uri),
    "GetSnapshotUri": Operation(Access.READ_MEDIA, _snapshot_uri),
    "SetSynchronizationPoint": Operation(Access.ACTUATE, _key_unit_soon),
}


def _whole_or_broken(operation: Operation) -> Operation:
    def answer(call: Call) -> Node:
        if call.device.faults.media2_is_broken:
            raise SoapFault("internal error", "ter:Action", is_ours=True)
        told = operation.answer(call)
        assert isinstance(told, Node)
        return told

    return Operation(operation.access, answer)


MEDIA2_SERVICE: Service = {name: _whole_or_broken(operation) for name, operation in _ANSWERS.items()}
