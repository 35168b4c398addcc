"""Pages of settings: first values from the file, changed by a person, kept, heard, refused in words."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from civiscope.api import FieldError
from civiscope.app.page_book import PageBook
from civiscope.app.settings import Settings
from civiscope.app.site_pages import PAGES, first_pages
from civiscope.base import AppError, ErrorKind, ManualClock
from civiscope.security import AuditLog, SiteKeys, migrate_security, terminal_principal
from civiscope.storage import Database, KeptSetting, keep_setting, migrate_kept_settings

CHIEF = terminal_principal("chief")


@contextmanager
def book_in(folder: Path, settings: Settings | None = None) -> Iterator[tuple[PageBook, AuditLog, Database]]:
    """The pages as a server start finds them."""
    clock = ManualClock(now_us=1_700_000_000_000_000)
    keys = (
        SiteKeys.load(folder / "keys")
        if (folder / "keys").exists()
        else SiteKeys.create(folder / "keys", "T")
    )
    with Database(folder / "server.db") as database:
        migrate_kept_settings(database)
        migrate_security(database)
        audit = AuditLog(database, keys.audit_keys(), folder, clock)
        yield PageBook(database, audit, clock, first_pages(settings or Settings())), audit, database


def site(**values: object) -> dict[str, object]:
    return {
        "name": "Pier",
        "host_name": "",
        "time_zone": "Europe/Sofia",
        "jurisdiction": "strictest",
        **values,
    }


def from_file() -> Settings:
    return Settings.model_validate(
        {
            "site": {"name": "Harbour", "time_zone": "Europe/Paris"},
            "server": {"hosts": ["10.1.2.3", "cams.harbour.example"]},
            "devices": {"networks": ["10.1.0.0/16"]},
        }
    )


def test_the_file_gives_the_first_values(tmp_path: Path) -> None:
    with book_in(tmp_path, from_file()) as (book, _, _):
        assert (book.site.name, book.site.time_zone) == ("Harbour", "Europe/Paris")
        assert book.site.host_name == "cams.harbour.example"
        assert book.devices.networks == ("10.1.0.0/16",)
        assert not book.first_run_done
        assert [page.name for page in book.pages()] == [model.key for model in PAGES]
        assert all(page.changed_us is None and page.schema["properties"] for page in book.pages())


async def test_a_change_is_kept_heard_and_written_down(tmp_path: Path) -> None:
    with book_in(tmp_path) as (book, audit, _):
        heard: list[str] = []
        book.on_change(lambda: heard.append(book.site.name))
        state = await book.change(
            "site", site(name="  New   pier ", host_name="Cams.Pier.Example."), CHIEF, "::1"
        )
        assert state.value["host_name"] == "cams.pier.example"
        assert (state.changed_us, state.changed_by) == (1_700_000_000_000_000, CHIEF.name)
        assert heard == ["New pier"]
        await book.finish_first_run(CHIEF, "::1")
        (done, changed) = await audit.entries()
        assert (done.what, changed.what, changed.object) == ("setup.finish", "settings.change", "site")
        details = await audit.details(changed.sequence)
        assert details is not None
        assert details["name"] == {"before": "Civiscope", "after": "New pier"}
        assert "jurisdiction" not in details
    with book_in(tmp_path, from_file()) as (book, _, _):
        assert book.site.name == "New pier", "what a person set wins over the file"
        assert book.first_run_done


@pytest.mark.parametrize(
    ("page", "value", "field"),
    [
        ("site", site(name="   "), "name"),
        ("site", site(name="x" * 81), "name"),
        ("site", site(host_name="https://cams.example"), "host_name"),
        ("site", site(host_name="10.0.0.7"), "host_name"),
        ("site", site(host_name="a..b"), "host_name"),
        ("site", site(time_zone="../../etc/passwd"), "time_zone"),
        ("site", site(time_zone="Moon/Base"), "time_zone"),
        ("site", site(jurisdiction="none"), "jurisdiction"),
        ("site", site(colour="red"), "colour"),
        ("devices", {"networks": ["10.0.0.0/99"], "checks_every_hour": True}, "networks"),
        ("recording", {"keep_hours": 0}, "keep_hours"),
        ("recording", {"purpose_hours": ["traffic"]}, "purpose_hours"),
        ("audit", {"send_to": ["ftp://x"]}, "send_to"),
    ],
)
async def test_what_does_not_fit_is_told_by_field(
    tmp_path: Path, page: str, value: dict[str, object], field: str
) -> None:
    with book_in(tmp_path) as (book, audit, _):
        before = book.page(page)
        with pytest.raises(FieldError) as refused:
            await book.change(page, value, CHIEF, "")
        assert list(refused.value.fields) == [field]
        assert book.page(page) == before
        assert await audit.entries() == []


async def test_an_unknown_page_is_missing(tmp_path: Path) -> None:
    with book_in(tmp_path) as (book, _, _):
        with pytest.raises(AppError, match="site, devices") as refused:
            await book.change("colours", {}, CHIEF, "")
        assert refused.value.kind is ErrorKind.MISSING


def test_values_of_another_version_give_way_to_first_values(tmp_path: Path) -> None:
    with book_in(tmp_path) as (_, _, database):
        strange = KeptSetting("site", 9, {"name": 7, "moons": []}, 1, "somebody")
        database.write_sync(lambda connection: keep_setting(connection, strange))
    with book_in(tmp_path, from_file()) as (book, _, _):
        assert book.site.name == "Harbour"
