"""What a session raises when it is over."""

from civiscope.devices import Trouble
from civiscope.ingest.model import LossReason

_TROUBLES = {
    LossReason.UNREACHABLE: Trouble.UNREACHABLE,
    LossReason.REFUSED: Trouble.REFUSED,
    LossReason.GATE: Trouble.GATE,
    LossReason.AUTHENTICATION: Trouble.AUTHENTICATION,
    LossReason.TLS: Trouble.CERTIFICATE,
    LossReason.PROTOCOL: Trouble.NOT_A_CAMERA,
    LossReason.FOREIGN: Trouble.DRIVER,
}


class Lost(Exception):  # noqa: N818  # not an error of the program: what became of a camera
    """The connection, or the session on it, is over."""

    def __init__(
        self,
        reason: LossReason,
        words: str,
        advice: str = "",
        *,
        trouble: Trouble | None = None,
        fingerprint: str | None = None,
    ) -> None:
        super().__init__(words)
        self.reason = reason
        self.words = words
        """What happened, one sentence."""
        self.advice = advice
        """What to try, sentences; may be empty."""
        self.trouble = trouble or _TROUBLES.get(reason, Trouble.STREAM)
        """The same for a person who adds the camera."""
        self.fingerprint = fingerprint
        """SHA-256 of the certificate that was refused, where it is known."""

    @property
    def detail(self) -> str:
        """Words and advice."""
        return f"{self.words} {self.advice}".strip()
