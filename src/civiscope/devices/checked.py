"""Drafts proved: what a person typed becomes values that may be stored, or INVALID in plain words."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from civiscope.base import AppError, ChannelId, ErrorKind, StreamId, new_id
from civiscope.devices.address import FILE, CameraAddress, import_start_us, parse_address
from civiscope.devices.equipment import DeviceDescription, DeviceIdentity, OfferedInput, OfferedStream
from civiscope.devices.model import (
    MAIN,
    SUB,
    Camera,
    CameraDraft,
    ChannelChange,
    ChannelDraft,
    DeviceDraft,
    Keep,
    StreamAddress,
    Transport,
    check_keep_hours,
    check_position,
    clean_credential,
    clean_fingerprint,
    clean_name,
    clean_place,
    clean_purpose,
)
from civiscope.devices.recording_policy import check_policy, policy_text
from civiscope.devices.seals import Credentials
from civiscope.security import Secret

_PINNED = frozenset({"rtsps", "https"})
_DRIVER_NAME_LIMIT_CHARS = 32


@dataclass(frozen=True, slots=True)
class CheckedDevice:
    """A device draft with every field proved; its channels are proved each for itself."""

    address: CameraAddress
    driver: str
    credentials: Credentials
    transport: Transport
    tls_fingerprint: str | None


@dataclass(frozen=True, slots=True)
class CheckedStream:
    """One stream to keep."""

    profile: str
    token: str
    address: CameraAddress


@dataclass(frozen=True, slots=True)
class CheckedChannel:
    """A channel draft with every field proved, and the streams of its input: the main one first."""

    draft: ChannelDraft
    streams: tuple[CheckedStream, ...]


def check_device(draft: DeviceDraft, import_folders: Sequence[Path] = ()) -> CheckedDevice:
    """Prove the address, who takes it, the credentials and the certificate."""
    typed = parse_address(draft.address)
    address = typed.address
    driver = draft.driver or address.driver
    if driver is None:
        raise AppError(
            ErrorKind.INVALID,
            "The address is a host alone, and what it speaks is not known yet. Try it first, or type an "
            "address that starts with rtsp://, onvif:// or http://.",
        )
    if len(driver) > _DRIVER_NAME_LIMIT_CHARS or not driver.isidentifier():
        raise AppError(
            ErrorKind.INVALID, "The driver has no name that a driver may have. Choose one of the list."
        )
    check_file(address, import_folders)
    fingerprint = clean_fingerprint(draft.tls_fingerprint)
    if fingerprint and address.scheme not in _PINNED:
        raise AppError(
            ErrorKind.INVALID,
            "A certificate fingerprint goes with an rtsps:// or https:// address only. Leave it out.",
        )
    credentials = _credentials(draft, typed.username, typed.password)
    return CheckedDevice(address, driver, credentials, draft.transport, fingerprint)


def check_channels(
    drafts: Sequence[ChannelDraft], told: DeviceDescription, import_folders: Sequence[Path] = ()
) -> tuple[CheckedChannel, ...]:
    """Prove each channel and find its input; INVALID when two want the same, or there is no such input."""
    if not drafts:
        raise AppError(ErrorKind.INVALID, "No channel is named. Name at least one input of the device.")
    if len({draft.input for draft in drafts}) != len(drafts):
        raise AppError(ErrorKind.INVALID, "Two channels have the same input. Give each its own.")
    return tuple(
        CheckedChannel(check_channel(draft), streams_of(told, draft.input, import_folders))
        for draft in drafts
    )


def check_channel(draft: ChannelDraft) -> ChannelDraft:
    """The same with its texts tidied."""
    check_position(draft.latitude, draft.longitude)
    return ChannelDraft(
        name=clean_name(draft.name),
        input=draft.input,
        place=clean_place(draft.place),
        latitude=draft.latitude,
        longitude=draft.longitude,
        purpose=clean_purpose(draft.purpose),
        group_id=draft.group_id,
        audio=draft.audio,
    )


def streams_of(
    told: DeviceDescription, index: int, import_folders: Sequence[Path] = ()
) -> tuple[CheckedStream, ...]:
    """The input's main stream and, where there is one, its sub stream."""
    offered = input_of(told, index)
    if not offered.streams:
        raise AppError(
            ErrorKind.INVALID, f"Input {index} of the device offers no stream. Switch one on at the device."
        )
    by_profile = {stream.profile: stream for stream in reversed(offered.streams)}
    main = by_profile.get(MAIN, offered.streams[0])
    wanted = [(MAIN, main)]
    if SUB in by_profile and by_profile[SUB] is not main:
        wanted.append((SUB, by_profile[SUB]))
    return tuple(_checked_stream(profile, stream, import_folders) for profile, stream in wanted)


def input_of(told: DeviceDescription, index: int) -> OfferedInput:
    """INVALID when the device has none of this number."""
    for one in told.inputs:
        if one.index == index:
            return one
    raise AppError(
        ErrorKind.INVALID, f"The device has no input {index}; it has {len(told.inputs)}, counted from 0."
    )


def plain_description(address: CameraAddress) -> DeviceDescription:
    """What can be said of a device that is one stream and was not asked."""
    stream = OfferedStream(MAIN, "", address.url)
    return DeviceDescription(DeviceIdentity(), (OfferedInput(0, "", "", (stream,)),), ())


def check_file(address: CameraAddress, import_folders: Sequence[Path]) -> None:
    """A file is taken only below a folder that the installation names; INVALID otherwise.

    By its text alone: whoever opens it follows links and looks again.
    """
    if address.scheme != FILE:
        return
    path = PurePosixPath(unquote(address.file_path))
    if not any(path.is_relative_to(PurePosixPath(folder)) for folder in import_folders):
        raise AppError(
            ErrorKind.INVALID,
            "A file of this machine is taken only from the folders named as import_folders under [devices] "
            "in civiscope.toml. Put it there, or type a camera's address.",
        )


def check_import(address: CameraAddress, now_us: int, keep_us: int | None) -> None:
    """An import begins in the past, and not where retention would delete it at once; INVALID otherwise."""
    start_us = address.import_us
    if start_us is None:
        return
    if start_us > now_us:
        raise AppError(
            ErrorKind.INVALID, "The import would begin in the future. Give the time at which it was filmed."
        )
    if keep_us is not None and start_us < now_us - keep_us:
        raise AppError(
            ErrorKind.INVALID,
            f"Recordings are kept for {keep_us / 3_600_000_000:g} hours, so this one would be deleted at "
            "once: raise the time on the settings page Recording, or import it as of now.",
        )


def refuse_import(address: CameraAddress) -> None:
    """INVALID for an import where a camera is there already: its own recordings stand on that stream."""
    if address.import_us is not None:
        raise AppError(
            ErrorKind.INVALID, "An import needs a camera of its own. Add it as a new one, with its own name."
        )


def check_changed_sound(camera: Camera, change: ChannelChange) -> None:
    """How far an import is counts its units, and with or without sound they are others; INVALID."""
    if isinstance(change.audio, Keep) or change.audio == camera.main.audio:
        return
    if import_start_us(camera.main.address) is not None:
        raise AppError(
            ErrorKind.INVALID,
            "Whether an import has sound is settled when it is added. Import it anew.",
        )


def device_draft_of(draft: CameraDraft) -> DeviceDraft:
    """A camera draft as a device of one input."""
    return DeviceDraft(
        address=draft.address,
        username=draft.username,
        password=draft.password,
        transport=draft.transport,
        tls_fingerprint=draft.tls_fingerprint,
        channels=(ChannelDraft(draft.name, audio=draft.audio),),
    )


def stream_address_of(draft: CameraDraft, import_folders: Sequence[Path] = ()) -> StreamAddress:
    """A draft checked as if it were added, for a probe; its ids are fresh and stored nowhere."""
    clean_name(draft.name)
    checked = check_device(device_draft_of(draft), import_folders)
    return stream_to_try(checked, checked.address, audio=draft.audio)


def stream_to_try(checked: CheckedDevice, address: CameraAddress, *, audio: bool) -> StreamAddress:
    """A stream of a device that is not in the register yet; its ids are fresh and stored nowhere."""
    return StreamAddress(
        stream_id=StreamId(new_id()),
        channel_id=ChannelId(new_id()),
        url=address.url,
        username=checked.credentials.username,
        password=checked.credentials.password,
        transport=checked.transport,
        tls_fingerprint=checked.tls_fingerprint,
        audio=audio,
    )


def _checked_stream(profile: str, stream: OfferedStream, import_folders: Sequence[Path]) -> CheckedStream:
    address = parse_address(stream.url).address
    check_file(address, import_folders)
    return CheckedStream(profile, stream.token[:255], address)


def _credentials(draft: DeviceDraft, username: str | None, password: Secret | None) -> Credentials:
    """Fields win over the address, each for itself."""
    name = draft.username or username or ""
    empty = Secret("")
    given = [secret for secret in (draft.password, password) if secret is not None and secret != empty]
    word = given[0] if given else empty
    clean_credential(word.reveal(), "password")
    if given and not name:
        raise AppError(ErrorKind.INVALID, "There is a password but no user name. Type both, or neither.")
    return Credentials(clean_credential(name, "user name"), word)


def channel_values(change: ChannelChange) -> dict[str, object]:
    """Columns that change, with their texts proved."""
    values: dict[str, object] = {}
    if not isinstance(change.name, Keep):
        values["name"] = clean_name(change.name)
    if not isinstance(change.place, Keep):
        values["place"] = clean_place(change.place)
    if not isinstance(change.purpose, Keep):
        values["purpose"] = clean_purpose(change.purpose)
    if not isinstance(change.keep_hours, Keep):
        check_keep_hours(change.keep_hours)
    if not isinstance(change.recording, Keep):
        check_policy(change.recording)
        values["recording"] = policy_text(change.recording)
    for name in ("latitude", "longitude", "group_id", "keep_hours"):
        value = getattr(change, name)
        if not isinstance(value, Keep):
            values[name] = value
    return values
