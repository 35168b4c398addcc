"""Which profiles become which streams: pure."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from civiscope.devices.drivers.onvif.answers import Encoder, Profile
from civiscope.devices.equipment import OfferedStream

STREAM_LIMIT = 8
"""Offered of one input; a camera has three or four."""
SUB_MIN_WIDTH_PX = 320
_SUB_PIXELS = 640 * 360


@dataclass(frozen=True, slots=True)
class Lens:
    """One video source with its profiles that carry coded pictures, largest first, one per encoder."""

    token: str
    name: str
    profiles: tuple[Profile, ...]

    @property
    def main(self) -> Profile | None:
        """The largest."""
        return self.profiles[0] if self.profiles else None

    @property
    def sub(self) -> Profile | None:
        """Of the others that are at least 320 pixels wide the one nearest to 640×360."""
        wide = [
            profile
            for profile in self.profiles[1:]
            if profile.encoder and profile.encoder.width_px >= SUB_MIN_WIDTH_PX
        ]
        return min(wide, key=_distance, default=None)

    def name_of(self, profile: Profile) -> str:
        """`main`, `sub`, or the device's own name for it."""
        if profile is self.main:
            return "main"
        if profile is self.sub:
            return "sub"
        taken = profile.name.lower() in {"", "main", "sub"}
        return profile.token if taken else profile.name


def lenses(profiles: Iterable[Profile]) -> tuple[Lens, ...]:
    """Video sources in the order of the device; profiles that share an encoder count once."""
    by_source: dict[str, dict[str, Profile]] = {}
    names: dict[str, str] = {}
    for profile in profiles:
        names.setdefault(profile.source_token, profile.source_name)
        kept = by_source.setdefault(profile.source_token, {})
        if profile.encoder:
            kept.setdefault(profile.encoder.token or profile.token, profile)
    return tuple(
        Lens(token, names[token], tuple(sorted(found.values(), key=_size, reverse=True)[:STREAM_LIMIT]))
        for token, found in by_source.items()
    )


def offered(lens: Lens, urls: Mapping[str, str]) -> tuple[OfferedStream, ...]:
    """The lens's streams, largest first; profiles without an address are left out."""
    return tuple(
        _offered(lens.name_of(profile), profile, profile.encoder, urls[profile.token])
        for profile in lens.profiles
        if profile.encoder and urls.get(profile.token)
    )


def _offered(name: str, profile: Profile, encoder: Encoder, url: str) -> OfferedStream:
    return OfferedStream(
        profile=name,
        token=profile.token,
        url=url,
        codec=encoder.codec,
        width_px=encoder.width_px,
        height_px=encoder.height_px,
        fps=encoder.fps,
        bitrate_bps=encoder.bitrate_bps,
        gop_frames=encoder.gop_frames,
    )


def _size(profile: Profile) -> tuple[int, float]:
    encoder = profile.encoder
    return (encoder.width_px * encoder.height_px, encoder.fps) if encoder else (0, 0.0)


def _distance(profile: Profile) -> float:
    pixels, _ = _size(profile)
    return abs(math.log(max(1, pixels) / _SUB_PIXELS))
