"""What answers where a camera was expected, told by its first bytes."""

from civiscope.devices import Trouble
from civiscope.ingest.loss import Lost
from civiscope.ingest.model import LossReason

FIRST_BYTES = 16
"""As many are kept of what a peer says first."""
_PORT = "Check the port: most cameras use 554 for rtsp:// and 80 for http://."
_STRANGERS: tuple[tuple[bytes, str, str], ...] = (
    (b"HTTP/", "A web server answers at this port, not a camera's stream by RTSP.", _PORT),
    (b"RTSP/", "A camera's RTSP server answers at this port, not a web server.", "Try an rtsp:// address."),
    (b"SSH-", "A terminal server (SSH) answers at this port, not a camera.", _PORT),
    (b"220", "A mail or file server answers at this port, not a camera.", _PORT),
    (b"\x15\x03", "What answers at this port wants encryption.", "Try an rtsps:// or https:// address."),
    (b"\x16\x03", "What answers at this port wants encryption.", "Try an rtsps:// or https:// address."),
)


def stranger(first: bytes, expected: str) -> Lost:
    """What to say of a peer that begins with these bytes and does not speak `expected` (RTSP, HTTP)."""
    for mark, words, advice in _STRANGERS:
        if first.startswith(mark) and not mark.startswith(expected.encode()):
            return Lost(LossReason.PROTOCOL, words, advice, trouble=Trouble.NOT_A_CAMERA)
    if not first:
        return Lost(
            LossReason.CLOSED,
            "What answers at this port ended the connection without a word.",
            f"It is no camera, or it has too many viewers already. {_PORT}",
            trouble=Trouble.NOT_A_CAMERA,
        )
    return Lost(
        LossReason.PROTOCOL,
        f"What answers at this port does not speak {expected}.",
        _PORT,
        trouble=Trouble.NOT_A_CAMERA,
    )
