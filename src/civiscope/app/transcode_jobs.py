"""Recorded stretches made H.264 in several calls: a decoder each, and few, for they hold large pictures."""

from collections.abc import Callable
from uuid import UUID

from civiscope.base import AppError, ErrorKind
from civiscope.media import AccessUnit, TrackConfig, Transcoded, Transcoder

_JOBS = 4
"""One more than the server has under way; who has left without a word gives his place up first."""


class TranscodeJobs:
    """Made and asked on the event loop; what `work` gives runs on any thread, one call of a job at a time."""

    def __init__(self) -> None:
        self._jobs: dict[UUID, Transcoder] = {}
        """The one used last comes last."""

    def work(
        self, job_id: UUID, track: TrackConfig, units: tuple[AccessUnit, ...], is_last: bool
    ) -> Callable[[], Transcoded]:
        """The decoding of the job's next units; UNAVAILABLE when the job made room for others."""
        transcoder = self._jobs.pop(job_id, None)
        if transcoder is None:
            if units and not any(unit.is_key for unit in units):
                raise AppError(
                    ErrorKind.UNAVAILABLE, "Too many recordings are transcoded at once. Try again."
                )
            transcoder = Transcoder(track)
        if not is_last:
            self._jobs[job_id] = transcoder
        while len(self._jobs) > _JOBS:
            del self._jobs[next(iter(self._jobs))]

        def decode() -> Transcoded:
            made = [one for unit in units for one in transcoder.transcode(unit)]
            if is_last:
                made += transcoder.finish()
            return Transcoded(transcoder.track, tuple(made))

        return decode
