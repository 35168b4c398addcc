"""What a WebRTC viewer offers, read before anything is opened for him (SDP, RFC 8866; JSEP, RFC 9429)."""

from aiortc.sdp import MediaDescription, SessionDescription

from civiscope.base import AppError, ErrorKind

_MEDIA_LIMIT = 4
_CANDIDATE_LINES = ("a=candidate:", "a=end-of-candidates")


def read_offer(text: str) -> str:
    """The offer as it is answered: without the viewer's addresses, so that nothing is ever sent to them.

    He speaks first, to the one address that the answer names, and is answered where he speaks from. INVALID,
    in plain words, for what is no offer to receive H.264.
    """
    lines = [line for line in text.splitlines() if not line.startswith(_CANDIDATE_LINES)]
    if sum(line.startswith("m=") for line in lines) > _MEDIA_LIMIT:
        raise AppError(ErrorKind.INVALID, f"This offer has more than {_MEDIA_LIMIT} media. Offer one video.")
    offer = "\r\n".join([*lines, ""])
    try:
        media = SessionDescription.parse(offer).media
    except (ValueError, LookupError, AttributeError, TypeError, AssertionError, StopIteration) as error:
        raise AppError(ErrorKind.INVALID, "This is not an SDP offer that can be read.") from error
    _require_video(media)
    return offer


def _require_video(media: list[MediaDescription]) -> None:
    if any(one.kind not in {"audio", "video"} for one in media):
        raise AppError(ErrorKind.INVALID, "Offer to receive video only: there is no data channel here.")
    video = [one for one in media if one.kind == "video"]
    if not any(one.direction in {"recvonly", "sendrecv"} for one in video[:1]):
        raise AppError(ErrorKind.INVALID, "This offer receives no video. Offer one video, recvonly.")
    if not any(codec.mimeType.lower() == "video/h264" for codec in video[0].rtp.codecs):
        raise AppError(
            ErrorKind.INVALID,
            "This offer has no H.264, and pictures are sent as the camera made them. "
            "Use the WebSocket, or a browser that receives H.264 over WebRTC.",
        )
    if not all(_has_credentials(one) for one in media):
        raise AppError(ErrorKind.INVALID, "This offer lacks ICE credentials or a DTLS fingerprint.")


def _has_credentials(media: MediaDescription) -> bool:
    ice, dtls = media.ice, media.dtls
    return bool(ice and ice.usernameFragment and ice.password and dtls and dtls.fingerprints)
