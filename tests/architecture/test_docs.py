"""The documents are true: settings, facts, permissions, words and decisions stand where people look."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from civiscope.alarms import AlarmRaised
from civiscope.analytics import ObservationMade
from civiscope.app.settings import Settings
from civiscope.base import ErrorKind
from civiscope.bus import Fact
from civiscope.ingest import LossReason
from civiscope.notify import DeliveryFailed
from civiscope.recording import GapReason
from civiscope.security import PERMISSIONS, Role

REPOSITORY = Path(__file__).resolve().parents[2]
DESIGN = REPOSITORY / "docs" / "design"


def read(*path: str) -> str:
    return REPOSITORY.joinpath(*path).read_text(encoding="utf-8")


def test_every_setting_is_in_the_readme_with_its_default() -> None:
    table = read("README.md").split("## Settings")[1]
    for section, field in Settings.model_fields.items():
        model = field.annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        for key, value in model.model_fields.items():
            assert f"`{key}`" in table or f"[{section}] {key}`" in table, (
                f"[{section}] {key} is not in the README"
            )
            if isinstance(value.default, str | int | float):
                shown = f"{value.default:g}" if isinstance(value.default, float) else str(value.default)
                assert f"`{shown}`" in table, f"the default {shown} of [{section}] {key} is not in the README"


def all_facts(kind: type[Fact]) -> list[type[Fact]]:
    return [one for sub in kind.__subclasses__() for one in (sub, *all_facts(sub))]


def test_every_fact_is_on_the_page_of_facts() -> None:
    page = read("docs", "facts.md")
    ours = [fact for fact in all_facts(Fact) if fact.__module__.startswith("civiscope.")]
    assert len(ours) >= 8
    assert {DeliveryFailed, AlarmRaised, ObservationMade} <= set(ours)
    for fact in ours:
        assert f"`{fact.name}`" in page, f"{fact.__name__} is not in docs/facts.md"
    for name in re.findall(r"^\| `([a-z_.]+)` \|", page, re.M):
        assert name in {fact.name for fact in ours}, f"docs/facts.md names {name}, which no room says"


def test_every_permission_and_role_is_in_the_security_page() -> None:
    page = (DESIGN / "security.md").read_text(encoding="utf-8")
    for permission in PERMISSIONS:
        assert permission.value in page, f"{permission} is not in docs/design/security.md"
    for role in Role:
        assert role.value.replace("_", " ") in page.lower().replace("_", " "), f"{role} is not explained"


def test_every_error_kind_is_in_the_page_of_calls() -> None:
    page = (DESIGN / "api.md").read_text(encoding="utf-8")
    for kind in ErrorKind:
        assert kind.value in page, f"error kind {kind} is not in docs/design/api.md"


@pytest.mark.parametrize(("words", "page"), [(LossReason, "ingest.md"), (GapReason, "recording.md")])
def test_every_reason_for_a_gap_is_explained(words: type[LossReason | GapReason], page: str) -> None:
    text = (DESIGN / page).read_text(encoding="utf-8")
    missing = [reason.value for reason in words if reason.value not in text]
    assert not missing, f"{page} does not explain {missing}"


def test_the_glossary_is_sorted_and_says_each_word_once() -> None:
    rows = [
        line.split("|")[1].strip()
        for line in read("docs", "glossary.md").splitlines()
        if line.startswith("| ")
    ]
    words = [row.split(",")[0] for row in rows[1:]]
    assert len(words) > 40
    assert len(set(words)) == len(words)
    assert words == sorted(words, key=str.casefold), "the glossary is in the order of the alphabet"


def test_every_decision_has_its_parts() -> None:
    records = sorted((REPOSITORY / "docs" / "adr").glob("[0-9]*.md"))
    assert len(records) >= 7
    numbers = [record.name[:5] for record in records]
    assert len(set(numbers)) == len(numbers), "a number stands for one decision"
    for record in records:
        text = record.read_text(encoding="utf-8")
        assert re.match(r"\d{4}-[a-z]", record.name), f"{record.name} has no number"
        for part in ("Status:", "**Context.**", "**Decision.**", "**Consequences.**"):
            assert part in text, f"{record.name} lacks {part}"


def test_links_between_documents_lead_somewhere() -> None:
    pages = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")]
    broken = []
    for page in pages:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            if not (page.parent / target).exists():
                broken.append(f"{page.relative_to(REPOSITORY)} → {target}")
    assert not broken, "\n".join(broken)


def test_nothing_committed_names_a_registry() -> None:
    for lock in REPOSITORY.glob("requirements*.lock"):
        assert "://" not in lock.read_text(encoding="utf-8"), f"{lock.name} names a host"
    assert '"resolved"' not in read("ui", "package-lock.json")
