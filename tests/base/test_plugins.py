"""One home for loading plug-ins: only what is listed is imported, and a broken one breaks only itself."""

import sys
import threading
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from pydantic import BaseModel

from civiscope.base import AppError, ErrorKind, PluginShelf, PluginSort, PluginStanding


class Settings(BaseModel):
    """Of a test's lamp."""

    watts: int = 5


@dataclass(frozen=True, slots=True)
class Lamp:
    """A sort of plug-in that only this test knows."""

    name: str
    settings: type[BaseModel] = Settings
    deadline_s: float = 1.0
    is_bright: bool = True

    @property
    def title(self) -> str:
        """For people."""
        return f"Lamp {self.name}"


GOOD = Lamp("good")
DULL = Lamp("dull", is_bright=False)
LATE = Lamp("late", deadline_s=9.0)
NEVER = Lamp("never", deadline_s=0.0)
OTHER = Lamp("another")
LOUD = Lamp("Loud")
BARE: Any = Lamp("bare", settings=int)  # type: ignore[arg-type]  # what a stranger may do
NUMBER = 7
SORT = PluginSort(
    Lamp,
    "civiscope.lamps.v1",
    "lamp",
    "`lamps` in [street]",
    2.0,
    lambda made: {"It is dull.": not made.is_bright},
)


def point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, f"{__name__}:{value}", SORT.group)


def shelf(*names: str, found: list[EntryPoint] | None = None) -> PluginShelf[Lamp]:
    every = [
        point(name, name.upper()) for name in ("good", "dull", "late", "never", "other", "bare", "number")
    ]
    return PluginShelf(SORT, names, every if found is None else found)


def refused(error: pytest.ExceptionInfo[AppError]) -> tuple[ErrorKind, str]:
    return error.value.kind, error.value.message


def test_a_listed_one_is_loaded_with_the_schema_of_its_settings() -> None:
    lamps = shelf("good")
    assert lamps.load("good") is GOOD
    first = lamps.shelved()[0]
    assert (first.name, first.title, first.standing, first.plugin) == (
        "good", "Lamp good", PluginStanding.LOADED, GOOD,
    )  # fmt: skip
    assert first.settings_schema["properties"] == {
        "watts": {"default": 5, "title": "Watts", "type": "integer"}
    }


def test_the_list_comes_in_its_order_then_what_is_installed_and_not_named() -> None:
    shelved = shelf("late", "good", "late").shelved()
    assert [one.name for one in shelved] == ["late", "good", "bare", "dull", "never", "number", "other"]
    assert {one.standing for one in shelved[2:]} == {PluginStanding.NOT_ALLOWED}
    assert shelved[2].why == "It is installed; `lamps` in [street] of civiscope.toml does not name it."


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("dull", "It is dull."),
        ("late", "Its deadline is not within 2 s."),
        ("never", "Its deadline is not within 2 s."),
        ("other", "It calls itself otherwise than its entry point, or not in small letters."),
        ("bare", "Its settings are no pydantic model."),
        ("number", "Its entry point names a int, not a Lamp."),
        ("gone", "It is not installed. Install its package, or take it off the list."),
    ],
)
def test_a_broken_one_says_why_and_leaves_the_others(name: str, words: str) -> None:
    lamps = shelf(name, "good")
    with pytest.raises(AppError) as error:
        lamps.load(name)
    assert refused(error) == (ErrorKind.UNAVAILABLE, f"The lamp {name} is broken: {words}")
    assert [one.standing for one in lamps.shelved()[:2]] == [PluginStanding.BROKEN, PluginStanding.LOADED]


def test_a_name_in_capitals_is_refused() -> None:
    lamps = shelf("Loud", found=[point("Loud", "LOUD")])
    assert "small letters" in lamps.shelved()[0].why


def test_mere_presence_imports_nothing() -> None:
    module = "tests.base.a_module_that_would_be_heard"
    lamps = PluginShelf(SORT, (), [EntryPoint("good", f"{module}:LAMP", SORT.group)])
    with pytest.raises(AppError) as error:
        lamps.load("good")
    assert refused(error)[0] is ErrorKind.DENIED
    assert "Add it to `lamps` in [street] of civiscope.toml" in error.value.message
    assert lamps.shelved()[0].standing is PluginStanding.NOT_ALLOWED
    assert module not in sys.modules


def test_a_name_nobody_has_is_missing_and_told_short() -> None:
    with pytest.raises(AppError) as error:
        shelf("good").load("x" * 5_000)
    assert refused(error) == (
        ErrorKind.MISSING, f"There is no lamp '{'x' * 32}'. Choose one of those on Health.",
    )  # fmt: skip


def test_a_module_that_cannot_be_imported_is_told_within_bounds() -> None:
    lamps = shelf("good", found=[EntryPoint("good", "a.module.that.is.not:" + "X" * 900, SORT.group)])
    why = lamps.shelved()[0].why
    assert why.startswith("ModuleNotFoundError: No module named 'a'")
    assert len(why) <= 300


def test_two_packages_with_one_name_are_both_refused() -> None:
    assert "Several packages offer it" in shelf("good", found=[point("good", "GOOD")] * 2).shelved()[0].why


def test_threads_that_ask_at_once_import_it_once() -> None:
    class Counted(EntryPoint):
        """Counts its loads."""

        loads: list[int] = []  # noqa: RUF012  # one list for the one entry point of this test

        def load(self) -> Any:
            self.loads.append(1)
            return GOOD

    lamps = PluginShelf(SORT, ("good",), [Counted("good", "a:b", SORT.group)])
    threads = [threading.Thread(target=lamps.load, args=("good",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert Counted.loads == [1]
