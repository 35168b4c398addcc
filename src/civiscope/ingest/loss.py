"""What a session raises when it is over."""

from civiscope.ingest.model import LossReason


class Lost(Exception):  # noqa: N818  # not an error of the program: what became of a camera
    """The connection, or the session on it, is over."""

    def __init__(self, reason: LossReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
