"""The media service of either version, asked in one way (ONVIF Media, Media2 §5)."""

from civiscope.devices.drivers.onvif.answers import (
    Encoder,
    EncoderOptions,
    Profile,
    read_encoder,
    read_profiles,
    read_uri,
)
from civiscope.devices.drivers.onvif.library import MEDIA2_NAMESPACE, NAMESPACES, PlainRequest, Request
from civiscope.devices.drivers.onvif.options import read_options
from civiscope.devices.drivers.onvif.session import Session, UnsupportedError
from civiscope.devices.drivers.onvif.xml_tree import Node

_MEDIA = NAMESPACES["media"]


class Media:
    """Media2 where the device tells of it and answers there; else media."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._is_version_20 = session.has(MEDIA2_NAMESPACE)

    async def profiles(self) -> tuple[Profile, ...]:
        """Every profile; falls back to version 10 for good when version 20 has none that can be read."""
        if self._is_version_20:
            answer = await self._session.optional(_media2("GetProfiles", ("Type", "All")))
            found = read_profiles(answer) if answer else ()
            if any(profile.encoder for profile in found) or not self._session.has(_MEDIA):
                return found
            self._is_version_20 = False
        return read_profiles(await self._session.call(Request("media", "GetProfiles")))

    async def stream_uri(self, profile: str) -> str:
        """Where a transport opens it: RTSP, over TCP or UDP as the transport likes. Empty: none."""
        if self._is_version_20:
            request: Request | PlainRequest = _media2(
                "GetStreamUri", ("Protocol", "RTSP"), ("ProfileToken", profile)
            )
        else:
            setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
            request = Request("media", "GetStreamUri", {"StreamSetup": setup, "ProfileToken": profile})
        answer = await self._session.optional(request)
        return read_uri(answer) if answer else ""

    async def snapshot_uri(self, profile: str) -> str:
        """Where a JPEG of it lies; empty: nowhere."""
        request = (
            _media2("GetSnapshotUri", ("ProfileToken", profile))
            if self._is_version_20
            else Request("media", "GetSnapshotUri", {"ProfileToken": profile})
        )
        answer = await self._session.optional(request)
        return read_uri(answer) if answer else ""

    async def encoder(self, token: str) -> Encoder | None:
        """The configuration as it is now; None when the device does not have it any more."""
        if self._is_version_20:
            answer = await self._session.call(
                _media2("GetVideoEncoderConfigurations", ("ConfigurationToken", token))
            )
            found = [read_encoder(node, self._is_version_20) for node in answer.all("Configurations")]
        else:
            answer = await self._session.call(
                Request("media", "GetVideoEncoderConfiguration", {"ConfigurationToken": token})
            )
            found = [read_encoder(node, self._is_version_20) for node in answer.all("Configuration")]
        return next((encoder for encoder in found if encoder.token == token), None)

    async def options(self, encoder: str, profile: str) -> tuple[EncoderOptions, ...]:
        """What the encoder could be set to; empty when the device does not tell."""
        fields = (("ConfigurationToken", encoder), ("ProfileToken", profile))
        request = (
            _media2("GetVideoEncoderConfigurationOptions", *fields)
            if self._is_version_20
            else Request("media", "GetVideoEncoderConfigurationOptions", dict(fields))
        )
        answer = await self._session.optional(request)
        return read_options(answer) if answer else ()

    async def write_encoder(self, node: Node) -> None:
        """Send a configuration back as edited, with everything else of it as the device told it."""
        namespace = MEDIA2_NAMESPACE if self._is_version_20 else _MEDIA
        configuration = Node("Configuration", namespace, node.attributes, node.text, node.children)
        children = [configuration]
        if not self._is_version_20:
            children.append(Node("ForcePersistence", namespace, text="true"))
        await self._session.call(_plain("SetVideoEncoderConfiguration", namespace, children))

    async def make_sub_profile(self, main: Profile, encoder: str) -> str:
        """A new profile for the same picture and this encoder; its token. UnsupportedError: not allowed."""
        if not self._is_version_20:
            return await self._make_version_10(main, encoder)
        configurations = [
            Node(
                "Configuration",
                MEDIA2_NAMESPACE,
                children=(_text("Type", kind), _text("Token", token)),
            )
            for kind, token in (("VideoSource", main.source_configuration), ("VideoEncoder", encoder))
        ]
        request = _plain("CreateProfile", MEDIA2_NAMESPACE, [_text("Name", "Civiscope"), *configurations])
        token = (await self._session.call(request)).value("Token")
        if not token:
            raise UnsupportedError("CreateProfile", "it gave no token")
        return token

    async def _make_version_10(self, main: Profile, encoder: str) -> str:
        answer = await self._session.call(Request("media", "CreateProfile", {"Name": "Civiscope"}))
        made = answer.find("Profile")
        token = made.attribute("token") if made else ""
        if not token:
            raise UnsupportedError("CreateProfile", "it gave no token")
        for operation, configuration in (
            ("AddVideoSourceConfiguration", main.source_configuration),
            ("AddVideoEncoderConfiguration", encoder),
        ):
            fields = {"ProfileToken": token, "ConfigurationToken": configuration}
            await self._session.call(Request("media", operation, fields))
        return token

    async def encoders_for(self, profile: str) -> tuple[Encoder, ...]:
        """Encoder configurations that go with this profile."""
        if self._is_version_20:
            answer = await self._session.optional(
                _media2("GetVideoEncoderConfigurations", ("ProfileToken", profile))
            )
        else:
            answer = await self._session.optional(
                Request("media", "GetCompatibleVideoEncoderConfigurations", {"ProfileToken": profile})
            )
        return (
            tuple(read_encoder(node, self._is_version_20) for node in answer.all("Configurations")[:64])
            if answer
            else ()
        )


def _text(name: str, text: str) -> Node:
    return Node(name, MEDIA2_NAMESPACE, text=text)


def _media2(operation: str, *fields: tuple[str, str]) -> PlainRequest:
    return _plain(operation, MEDIA2_NAMESPACE, [_text(name, text) for name, text in fields])


def _plain(operation: str, namespace: str, children: list[Node]) -> PlainRequest:
    return PlainRequest(f"{namespace}/{operation}", Node(operation, namespace, children=tuple(children)))
