"""The pages of settings as they stand now: read at start, changed by people, heard by whoever needs them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from pydantic import ValidationError

from civiscope.api import FieldError, PageState
from civiscope.app.site_pages import PAGES, AuditPage, DevicesPage, Page, RecordingPage, SeeingPage, SitePage
from civiscope.base import AppError, Clock, ErrorKind, get_log
from civiscope.security import AuditEntry, AuditLog, AuditWriter, Principal
from civiscope.storage import Connection, Database, KeptSetting, keep_setting, read_kept_settings

_FIRST_RUN = "first_run"
_log = get_log("civiscope.app")


@dataclass(frozen=True, slots=True)
class _Kept:
    page: Page
    changed_us: int | None
    changed_by: str


class PageBook:
    """Holds every page; one for each server process. Values that do not fit this version are first values."""

    def __init__(self, database: Database, audit: AuditLog, clock: Clock, first: Mapping[str, Page]) -> None:
        """Reads what is kept; blocks."""
        self._audit = audit
        self._clock = clock
        self._models = {model.key: model for model in PAGES}
        kept = database.read_sync(read_kept_settings)
        self._first_run_done = bool(kept[_FIRST_RUN].value.get("done")) if _FIRST_RUN in kept else False
        self._pages = {key: _read(model, kept.get(key), first[key]) for key, model in self._models.items()}
        self._listeners: list[Callable[[], None]] = []

    @property
    def site(self) -> SitePage:
        """What the place is called, its host name, zone and law."""
        page = self._pages[SitePage.key].page
        assert isinstance(page, SitePage)
        return page

    @property
    def devices(self) -> DevicesPage:
        """Where devices may stand."""
        page = self._pages[DevicesPage.key].page
        assert isinstance(page, DevicesPage)
        return page

    @property
    def audit(self) -> AuditPage:
        """Who else keeps the heads of the audit."""
        page = self._pages[AuditPage.key].page
        assert isinstance(page, AuditPage)
        return page

    @property
    def recording(self) -> RecordingPage:
        """For how long recordings are kept."""
        page = self._pages[RecordingPage.key].page
        assert isinstance(page, RecordingPage)
        return page

    @property
    def seeing(self) -> SeeingPage:
        """What looks at the pictures."""
        page = self._pages[SeeingPage.key].page
        assert isinstance(page, SeeingPage)
        return page

    @property
    def first_run_done(self) -> bool:
        """Somebody went through the wizard, or left it for good."""
        return self._first_run_done

    def page(self, key: str) -> Page:
        """One page as it stands."""
        return self._pages[key].page

    def on_change(self, listener: Callable[[], None]) -> None:
        """Called on the loop after each change; must not block."""
        self._listeners.append(listener)

    def pages(self) -> list[PageState]:
        """All pages with their schemas, in their order."""
        return [self._state(key) for key in self._models]

    async def change(
        self, key: str, value: Mapping[str, object], by: Principal, from_where: str
    ) -> PageState:
        """Replace a page; MISSING for an unknown one, `FieldError` naming the fields that do not fit."""
        model = self._models.get(key)
        if model is None:
            raise AppError(
                ErrorKind.MISSING,
                f"There is no page of settings '{key}'. There are: {', '.join(self._models)}.",
            )
        try:
            page = model.model_validate(dict(value))
        except ValidationError as error:
            raise _field_error(error) from None
        before, now_us = self._pages[key].page, self._clock.now_us()
        stored = KeptSetting(key, model.schema_version, page.model_dump(mode="json"), now_us, by.name)
        changed = {
            name: {"before": old, "after": stored.value[name]}
            for name, old in before.model_dump(mode="json").items()
            if old != stored.value[name]
        }
        entry = AuditEntry(by, "settings.change", key, from_where=from_where, details=changed)
        await self._audit.transact(partial(_store, setting=stored, entry=entry))
        self._pages[key] = _Kept(page, now_us, by.name)
        for listener in self._listeners:
            listener()
        return self._state(key)

    async def finish_first_run(self, by: Principal, from_where: str) -> None:
        """The wizard is over and does not come again."""
        stored = KeptSetting(_FIRST_RUN, 1, {"done": True}, self._clock.now_us(), by.name)
        entry = AuditEntry(by, "setup.finish", "site", from_where=from_where)
        await self._audit.transact(partial(_store, setting=stored, entry=entry))
        self._first_run_done = True

    def _state(self, key: str) -> PageState:
        kept, model = self._pages[key], self._models[key]
        return PageState(
            name=key,
            title=model.heading,
            schema=model.model_json_schema(mode="serialization"),
            value=kept.page.model_dump(mode="json"),
            schema_version=model.schema_version,
            changed_us=kept.changed_us,
            changed_by=kept.changed_by,
        )


def _store(connection: Connection, writer: AuditWriter, setting: KeptSetting, entry: AuditEntry) -> None:
    keep_setting(connection, setting)
    writer.append(entry)


def _read(model: type[Page], kept: KeptSetting | None, first: Page) -> _Kept:
    if kept is None:
        return _Kept(first, None, "")
    try:
        page = model.model_validate(dict(kept.value))
    except ValidationError as error:
        _log.error(
            "kept settings do not fit this version; first values are used", page=model.key, why=str(error)
        )
        return _Kept(first, None, "")
    return _Kept(page, kept.changed_us, kept.changed_by)


def _field_error(error: ValidationError) -> FieldError:
    fields: dict[str, str] = {}
    for fault in error.errors():
        place = str(fault["loc"][0]) if fault["loc"] else ""
        fields.setdefault(place, str(fault["msg"]).removeprefix("Value error, "))
    return FieldError(fields)
