"""What the camera itself signed: the verdict of ONVIF Media Signing on each (partial) GOP."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from civiscope.media import Codec, HashState, SignedStretch, SigningWalk
from civiscope.security import CameraAnchors


class CameraVerdict(StrEnum):
    """What is said of one stretch of video."""

    AUTHENTIC = "authentic"
    NOT_AUTHENTIC = "not_authentic"
    UNSIGNED = "unsigned"
    KEY_NOT_VERIFIED = "key_not_verified"
    """As it was signed, but nobody vouches for the key that signed it."""


@dataclass(frozen=True, slots=True)
class CameraFinding:
    """One stretch and its verdict."""

    start_us: int
    end_us: int
    verdict: CameraVerdict
    detail: str


def camera_findings(
    units: Iterable[tuple[bytes, int]], codec: Codec, anchors: CameraAnchors, recorded_us: int | None = None
) -> Iterator[CameraFinding]:
    """The verdict on each stretch of (bytes, time) of one video track, in order of decoding.

    Certificates count as of `recorded_us`, by default as of each stretch.
    """
    if codec not in (Codec.H264, Codec.H265):
        return
    walk = SigningWalk(codec)
    for data, at_us in units:
        for stretch in walk.feed(data, at_us):
            yield _judge(stretch, anchors, recorded_us)
    for stretch in walk.finish():
        yield _judge(stretch, anchors, recorded_us)


def _judge(one: SignedStretch, anchors: CameraAnchors, recorded_us: int | None) -> CameraFinding:
    document = one.document
    verdict, detail = CameraVerdict.NOT_AUTHENTIC, one.detail
    if one.state is HashState.UNCOVERED:
        verdict = CameraVerdict.UNSIGNED
    elif one.state is HashState.MATCHES and document is not None and document.signature is not None:
        chains = document.certificates
        if not chains:
            verdict, detail = (
                CameraVerdict.KEY_NOT_VERIFIED,
                "the camera's certificates are not in this stretch",
            )
        elif not anchors.holds(chains[-1], document.hash_name, document.signature, document.signed):
            detail = "the signature does not hold"
        else:
            detail = anchors.trouble(chains, one.start_us if recorded_us is None else recorded_us)
            verdict = CameraVerdict.KEY_NOT_VERIFIED if detail else CameraVerdict.AUTHENTIC
    return CameraFinding(one.start_us, one.end_us, verdict, detail)
