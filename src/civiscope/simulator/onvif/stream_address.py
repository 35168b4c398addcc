"""Addresses of streams and snapshots, as a device tells them: right, or wrong on demand."""

from urllib.parse import urlsplit, urlunsplit

from civiscope.simulator.onvif.calls import Call
from civiscope.simulator.onvif.device import Profile
from civiscope.simulator.onvif.soap import SoapFault


def stream_uri(call: Call, profile: Profile) -> str:
    """Where the RTSP server serves this profile, under the address by which the asker came."""
    faults = call.device.faults
    parts = urlsplit(call.streams.url(profile.camera.mount))
    host = faults.stream_host or call.place.host
    net = f"{f'[{host}]' if ':' in host else host}:{parts.port}"
    if faults.stream_has_user_info and call.device.accounts:
        found = call.device.accounts[0].credentials
        net = f"{found.username}:{found.password}@{net}"
    return urlunsplit(parts._replace(netloc=net))


def snapshot_uri(call: Call, profile: Profile) -> str:
    """Where the picture of this profile is; a fault when the device has none."""
    if not call.device.snapshot:
        raise SoapFault("the device has no snapshots", "ter:ActionNotSupported", is_ours=True)
    return call.place.url(f"snapshot/{profile.token}", call.device.faults.snapshot_host)
