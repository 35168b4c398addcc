"""What the owner of the data folder may ask of the book of analytics, over the server's socket."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from civiscope.analytics import AnalyticDraft
from civiscope.app.site import Site
from civiscope.base import AppError, ChannelId, ErrorKind


@dataclass(frozen=True, slots=True)
class TypedAnalytic:
    """An analytic as typed on the command line; settings as JSON."""

    plugin: str
    name: str
    settings_json: str


class AnalysisDesk(Protocol):
    """The face; every call is for the owner of the data folder."""

    async def add(self, channel_id: UUID, analytic: TypedAnalytic) -> UUID:
        """Look for this on a channel; INVALID names the fields that do not fit."""
        ...


class LocalAnalysisDesk:
    """The desk on the rooms themselves."""

    def __init__(self, site: Site, wake: Callable[[], None]) -> None:
        """`wake`: let the analyst know now."""
        self._site = site
        self._wake = wake
        self._who = f"system user {os.getuid()}"

    async def add(self, channel_id: UUID, analytic: TypedAnalytic) -> UUID:
        """Look for this on a channel, and write who wished it."""
        channel = ChannelId(channel_id)
        await self._site.devices.camera(channel)
        try:
            settings = json.loads(analytic.settings_json)
        except ValueError as error:
            raise AppError(ErrorKind.INVALID, f"the settings are not JSON: {error}") from None
        if not isinstance(settings, dict):
            raise AppError(ErrorKind.INVALID, "the settings are no JSON object")
        draft = AnalyticDraft(analytic.plugin, analytic.name, settings)
        kept = await self._site.analytics.add(channel, draft, self._who, "command line")
        self._wake()
        return kept.id
