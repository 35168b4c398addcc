"""The register: what a new site starts with, how it changes, and that nothing is seen without it."""

from dataclasses import replace

import pytest

from civiscope.base import AppError, ChannelId, ErrorKind, new_id
from civiscope.privacy import Function, PermitDraft, PermitId, Purpose
from civiscope.security import Outcome, Role

from .conftest import NOW_US, Site, person

ADMINISTRATOR = person(Role.ADMINISTRATOR)
CHANNEL = ChannelId(new_id())
TRAFFIC = Purpose("traffic", "Traffic counts", "Road act §1", frozenset({Function.LIVE, Function.PLAYBACK}))
LIVE = frozenset({Function.LIVE})

GRANTED = {
    (Role.ADMINISTRATOR, "public_safety"): {Function.LIVE, Function.PLAYBACK, Function.EXPORT},
    (Role.OPERATOR, "public_safety"): {Function.LIVE, Function.PLAYBACK, Function.EXPORT},
    (Role.VIEWER, "public_safety"): {Function.LIVE},
    (Role.ADMINISTRATOR, "installation"): {Function.LIVE, Function.PLAYBACK},
}


@pytest.mark.parametrize(
    "purpose", ["public_safety", "installation", "unknown", "", "x\0", "\ud800", "' OR 1"]
)
@pytest.mark.parametrize("function", list(Function))
@pytest.mark.parametrize("role", list(Role))
async def test_the_defaults_cell_by_cell(seeded: Site, role: Role, purpose: str, function: Function) -> None:
    if function in GRANTED.get((role, purpose), set()):
        permit = await seeded.register.check(person(role), purpose, function, CHANNEL)
        assert (permit.role, permit.purpose_id) == (role, purpose)
        return
    with pytest.raises(AppError) as refused:
        await seeded.register.check(person(role), purpose, function, CHANNEL)
    assert refused.value.kind is ErrorKind.DENIED
    assert f"You may not {function.words}" in refused.value.message
    assert "hoose" in refused.value.message


async def test_an_empty_register_shows_nothing_to_anybody(site: Site) -> None:
    for role in Role:
        for function in Function:
            with pytest.raises(AppError):
                await site.register.check(person(role), "public_safety", function, CHANNEL)
        assert await site.register.purposes_of(person(role)) == []


async def test_defaults_come_once_and_what_was_revoked_stays_revoked(seeded: Site) -> None:
    for permit in await seeded.register.permits():
        await seeded.register.revoke(permit.id, ADMINISTRATOR)
    assert not await seeded.register.seed_defaults()
    assert await seeded.register.purposes_of(ADMINISTRATOR) == []
    with pytest.raises(AppError, match="no permit for you is in force"):
        await seeded.register.check(ADMINISTRATOR, "public_safety", Function.LIVE, CHANNEL)


async def test_the_site_is_told_to_state_its_own_legal_basis(seeded: Site) -> None:
    purposes = await seeded.register.purposes()
    assert [purpose.id for purpose in purposes] == ["public_safety", "installation"]
    assert all("must state its own legal basis" in purpose.legal_basis for purpose in purposes)


async def test_people_see_the_purposes_they_may_use(seeded: Site) -> None:
    assert [one.id for one in await seeded.register.purposes_of(ADMINISTRATOR)] == [
        "public_safety",
        "installation",
    ]
    (viewer,) = await seeded.register.purposes_of(person(Role.VIEWER))
    assert viewer.functions == LIVE
    assert await seeded.register.purposes_of(person(Role.DATA_PROTECTION_OFFICER)) == []
    assert await seeded.register.purposes_of(ADMINISTRATOR, NOW_US - 1) == []


async def test_a_purpose_is_declared_granted_and_used(seeded: Site) -> None:
    await seeded.register.declare_purpose(TRAFFIC, ADMINISTRATOR, "192.0.2.1")
    eve = person()
    draft = PermitDraft("traffic", LIVE, principal_id=eve.id, channels=frozenset({CHANNEL}))
    permit = await seeded.register.grant(draft, ADMINISTRATOR)
    assert await seeded.register.check(eve, "traffic", Function.LIVE, CHANNEL) == permit
    for function, channel in ((Function.PLAYBACK, CHANNEL), (Function.LIVE, ChannelId(new_id()))):
        with pytest.raises(AppError, match="no permit for you is in force"):
            await seeded.register.check(eve, "traffic", function, channel)
    with pytest.raises(AppError, match="does not include it"):
        await seeded.register.check(eve, "traffic", Function.EXPORT, CHANNEL)
    await seeded.register.revoke(permit.id, ADMINISTRATOR)
    await seeded.register.revoke(permit.id, ADMINISTRATOR)
    with pytest.raises(AppError):
        await seeded.register.check(eve, "traffic", Function.LIVE, CHANNEL)
    written = [(entry.what, entry.why, entry.outcome) for entry in await seeded.audit.entries(3)]
    assert written == [
        ("permit.revoke", "traffic", Outcome.DONE),
        ("permit.grant", "traffic", Outcome.DONE),
        ("purpose.declare", "traffic", Outcome.DONE),
    ]
    details = await seeded.audit.details(3)
    assert details is not None
    assert (details["holder"], details["channels"]) == (f"principal {eve.id}", [str(CHANNEL)])
    assert (await seeded.audit.verify()).intact


async def test_a_permit_begins_and_ends(seeded: Site) -> None:
    eve = person()
    draft = PermitDraft("installation", LIVE, principal_id=eve.id, from_us=NOW_US + 10, until_us=NOW_US + 20)
    await seeded.register.grant(draft, ADMINISTRATOR)
    for passed_us, allowed in ((9, False), (1, True), (9, True), (1, False)):
        seeded.clock.advance(passed_us)
        assert bool(await seeded.register.purposes_of(eve)) is allowed
        if allowed:
            await seeded.register.check(eve, "installation", Function.LIVE, CHANNEL)
        else:
            with pytest.raises(AppError):
                await seeded.register.check(eve, "installation", Function.LIVE, CHANNEL)


async def test_taking_a_function_out_of_a_purpose_takes_it_from_everybody(seeded: Site) -> None:
    purpose = (await seeded.register.purposes())[0]
    await seeded.register.declare_purpose(replace(purpose, functions=LIVE, title="Less"), ADMINISTRATOR)
    with pytest.raises(AppError, match='"Less": the purpose does not include it'):
        await seeded.register.check(ADMINISTRATOR, "public_safety", Function.EXPORT, CHANNEL)
    assert (await seeded.register.purposes())[0].id == "public_safety"
    assert (await seeded.register.purposes_of(ADMINISTRATOR))[0].functions == LIVE


GOOD = PermitDraft("public_safety", LIVE, role=Role.VIEWER)


@pytest.mark.parametrize(
    ("draft", "kind", "words"),
    [
        (replace(GOOD, role=None), ErrorKind.INVALID, "name one of the two"),
        (replace(GOOD, principal_id=person().id), ErrorKind.INVALID, "name one of the two"),
        (replace(GOOD, functions=frozenset()), ErrorKind.INVALID, "at least one of live"),
        (replace(GOOD, channels=frozenset()), ErrorKind.INVALID, "at least one channel"),
        (replace(GOOD, until_us=NOW_US), ErrorKind.INVALID, "not in the past"),
        (replace(GOOD, from_us=NOW_US + 9, until_us=NOW_US + 9), ErrorKind.INVALID, "end after it begins"),
        (replace(GOOD, purpose_id="unknown"), ErrorKind.MISSING, "Declare it first"),
        (
            replace(GOOD, purpose_id="installation", functions=frozenset({Function.EXPORT})),
            ErrorKind.INVALID,
            "does not include everything",
        ),
    ],
)
async def test_bad_permits_are_refused(seeded: Site, draft: PermitDraft, kind: ErrorKind, words: str) -> None:
    before = await seeded.register.permits()
    with pytest.raises(AppError, match=words) as refused:
        await seeded.register.grant(draft, ADMINISTRATOR)
    assert refused.value.kind is kind
    assert await seeded.register.permits() == before


@pytest.mark.parametrize(
    "purpose",
    [
        replace(TRAFFIC, id="Traffic"), replace(TRAFFIC, id="x"), replace(TRAFFIC, id="a" * 64),
        replace(TRAFFIC, title=" "), replace(TRAFFIC, title="x" * 201), replace(TRAFFIC, legal_basis=""),
        replace(TRAFFIC, legal_basis="x" * 2001), replace(TRAFFIC, functions=frozenset()),
    ],
)  # fmt: skip
async def test_bad_purposes_are_refused(seeded: Site, purpose: Purpose) -> None:
    with pytest.raises(AppError) as refused:
        await seeded.register.declare_purpose(purpose, ADMINISTRATOR)
    assert refused.value.kind is ErrorKind.INVALID
    assert len(await seeded.register.purposes()) == 2


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.VIEWER, Role.DATA_PROTECTION_OFFICER])
async def test_only_administrators_change_the_register(seeded: Site, role: Role) -> None:
    before = await seeded.register.permits()
    for attempt in (
        seeded.register.declare_purpose(TRAFFIC, person(role)),
        seeded.register.grant(GOOD, person(role)),
        seeded.register.revoke(before[0].id, person(role)),
    ):
        with pytest.raises(AppError) as refused:
            await attempt
        assert refused.value.kind is ErrorKind.DENIED
    assert await seeded.register.permits() == before


async def test_an_unknown_permit_is_missing(seeded: Site) -> None:
    with pytest.raises(AppError) as refused:
        await seeded.register.revoke(PermitId(new_id()), ADMINISTRATOR)
    assert refused.value.kind is ErrorKind.MISSING
