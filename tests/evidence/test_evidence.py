"""Bookmarks and holds: made, listed, ended, bounded, audited; whole after a restart."""

import pytest
from tests.evidence.conftest import ANNA, NOW_US, Desk

from civiscope.base import AppError, ChannelId, ErrorKind, Span, new_id
from civiscope.evidence import BookmarkId, CaseDraft, HoldDraft, HoldId
from civiscope.evidence import model as rules
from civiscope.evidence.tables import bookmark_table, case_table, hold_table
from civiscope.recording import HeldSpan
from civiscope.security import CaseId, LockableVault, Vault
from civiscope.storage import Connection, select, update

HOUR_US = 3_600_000_000
SPAN = Span(NOW_US - HOUR_US, NOW_US)


async def refusal(desk: Desk, draft: HoldDraft) -> AppError:
    with pytest.raises(AppError) as told:
        await desk.evidence().hold(draft, ANNA)
    return told.value


async def test_a_hold_is_of_all_streams_and_outlives_a_restart(desk: Desk) -> None:
    yard = desk.camera()
    hold = await desk.evidence().hold(HoldDraft(yard, SPAN, "Case 7\nsecond line"), ANNA, "192.0.2.7")
    assert (hold.reason, hold.made_by, hold.made_us) == ("Case 7 second line", "Anna", NOW_US)
    held = {HeldSpan(one, SPAN.start_us, SPAN.end_us, hold.case_id) for one in desk.channels[yard]}
    assert len(held) == 2
    assert set(await desk.evidence().held_spans()) == held
    desk.channels[yard].pop()  # another device stands there now, with one stream
    assert set(await desk.evidence().held_spans()) == held
    assert desk.changes == 1


async def test_a_hold_ends_by_itself_or_by_a_person(desk: Desk) -> None:
    evidence, yard = desk.evidence(), desk.camera(1)
    short = await evidence.hold(HoldDraft(yard, SPAN, "short", NOW_US + HOUR_US), ANNA)
    long = await evidence.hold(HoldDraft(yard, SPAN, "long"), ANNA)
    assert len(await evidence.held_spans()) == 2
    desk.clock.advance(HOUR_US)
    assert len(await evidence.held_spans()) == 1
    assert (await evidence.find_hold(short.id)).end_us(desk.clock.now_us()) == NOW_US + HOUR_US
    ended = await evidence.end_hold(long.id, ANNA)
    assert ended.ended_us == NOW_US + HOUR_US
    assert await evidence.held_spans() == ()
    desk.clock.advance(1)
    assert await evidence.end_hold(long.id, ANNA) == ended
    assert [one.what for one in await desk.audit.entries()] == [
        "hold.end", "hold.add", "case.open", "hold.add", "case.open",
    ]  # fmt: skip
    assert [one.reason for one in await evidence.holds([yard])] == ["long", "short"]
    assert await evidence.holds([desk.camera()]) == []


@pytest.mark.parametrize(
    ("span", "reason", "until_us"),
    [
        (Span(NOW_US - 1, NOW_US - 1), "x", None),
        (Span(NOW_US - rules.LONGEST_HOLD_US - 1, NOW_US), "x", None),
        (Span(NOW_US, NOW_US + rules.AHEAD_LIMIT_US + 1), "x", None),
        (SPAN, "", None),
        (SPAN, " \x00\n", None),
        (SPAN, "x" * 501, None),
        (SPAN, "x", NOW_US),
    ],
)
async def test_holds_have_bounds(desk: Desk, span: Span, reason: str, until_us: int | None) -> None:
    told = await refusal(desk, HoldDraft(desk.camera(), span, reason, until_us))
    assert told.kind is ErrorKind.INVALID
    assert desk.changes == 0


async def test_no_more_holds_than_the_site_may_have(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("civiscope.evidence.evidence.HOLDS_LIMIT", 2)
    yard, evidence = desk.camera(), desk.evidence()
    first = await evidence.hold(HoldDraft(yard, SPAN, "a"), ANNA)
    await evidence.hold(HoldDraft(yard, SPAN, "b"), ANNA)
    assert (await refusal(desk, HoldDraft(yard, SPAN, "c"))).kind is ErrorKind.EXHAUSTED
    await evidence.end_hold(first.id, ANNA)
    await evidence.hold(HoldDraft(yard, SPAN, "c"), ANNA)


async def test_what_is_not_there_is_missing(desk: Desk) -> None:
    evidence, nowhere = desk.evidence(), ChannelId(new_id())
    for asked in (
        evidence.hold(HoldDraft(nowhere, SPAN, "x"), ANNA),
        evidence.add_bookmark(nowhere, NOW_US, "x", ANNA),
        evidence.end_hold(HoldId(new_id()), ANNA),
        evidence.remove_bookmark(BookmarkId(new_id()), ANNA),
    ):
        with pytest.raises(AppError) as told:
            await asked
        assert told.value.kind is ErrorKind.MISSING


async def test_bookmarks_are_found_by_channel_and_time(desk: Desk) -> None:
    evidence, yard, gate = desk.evidence(), desk.camera(), desk.camera()
    for number, channel in enumerate((yard, gate, yard)):
        await evidence.add_bookmark(channel, NOW_US + number, f"van {number}", ANNA, new_id())
    found = await evidence.bookmarks([yard], Span(NOW_US, NOW_US + 3))
    assert [one.text for one in found] == ["van 0", "van 2"]
    assert len(await evidence.bookmarks([yard, gate], Span(NOW_US, NOW_US + 2))) == 2
    await evidence.remove_bookmark(found[0].id, ANNA)
    assert len(await evidence.bookmarks([yard, gate], Span(0, 2 * NOW_US))) == 2
    assert (await desk.audit.entries())[0].what == "bookmark.remove"
    with pytest.raises(AppError):
        await evidence.add_bookmark(yard, NOW_US, "\r\n", ANNA)


async def test_a_bookmark_goes_with_its_recording_unless_that_is_held(desk: Desk) -> None:
    evidence, yard, gate = desk.evidence(), desk.camera(), desk.camera()
    for channel, at_us in (
        (yard, NOW_US - 10),
        (yard, NOW_US - HOUR_US),
        (gate, NOW_US - 10),
        (yard, NOW_US),
    ):
        await evidence.add_bookmark(channel, at_us, "van", ANNA)
    await evidence.hold(HoldDraft(yard, Span(NOW_US - 20, NOW_US), "Case 7"), ANNA)
    assert await evidence.held_spans()
    assert await evidence.forget_bookmarks_before(NOW_US) == 2
    left = await evidence.bookmarks([yard, gate], Span(0, 2 * NOW_US))
    assert [one.at_us for one in left] == [NOW_US - 10, NOW_US]


async def test_holds_for_one_reason_of_one_maker_are_of_one_case(desk: Desk) -> None:
    evidence, yard = desk.evidence(), desk.camera()
    first = await evidence.hold(HoldDraft(yard, SPAN, "The van"), ANNA)
    second = await evidence.hold(HoldDraft(yard, SPAN, "The van"), ANNA)
    other = await evidence.hold(HoldDraft(yard, SPAN, "The bicycle"), ANNA)
    named = await evidence.hold(HoldDraft(yard, SPAN, "More", case_id=first.case_id), ANNA)
    assert first.case_id == second.case_id == named.case_id != other.case_id
    assert [one.name for one in await evidence.cases.all()] == ["The bicycle", "The van"]
    assert await evidence.cases.all([desk.camera()], "Boris") == []
    assert len(await evidence.cases.all([desk.camera()], "Anna")) == 2
    assert len(await evidence.cases.all([yard], "Boris")) == 2
    told = await refusal(desk, HoldDraft(yard, SPAN, "x", case_id=CaseId(new_id())))
    assert told.kind is ErrorKind.MISSING


async def test_the_keys_of_cases_are_made_once_and_sealed_by_the_vault(desk: Desk) -> None:
    evidence, vault = desk.evidence(), LockableVault()
    case = await evidence.cases.open(CaseDraft("Case 7", "AZ 12/2026"), ANNA)
    with pytest.raises(AppError) as locked:
        await evidence.cases.keys(vault)
    assert locked.value.kind is ErrorKind.UNAVAILABLE
    assert not (await evidence.cases.find(case.id)).has_key
    vault.unlock(Vault.new_key())
    keys = await evidence.cases.keys(vault)
    assert (await evidence.cases.find(case.id)).has_key
    again = await desk.evidence().cases.keys(vault)
    assert keys[case.id].fingerprint == again[case.id].fingerprint
    vault.unlock(Vault.new_key())
    with pytest.raises(AppError) as another:
        await evidence.cases.keys(vault)
    assert another.value.kind is ErrorKind.LOST_DATA


async def test_cases_have_bounds(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("civiscope.evidence.cases.CASES_LIMIT", 1)
    cases = desk.evidence().cases
    for draft in (CaseDraft(" "), CaseDraft("x" * 201), CaseDraft("x", "y" * 201)):
        with pytest.raises(AppError) as told:
            await cases.open(draft, ANNA)
        assert told.value.kind is ErrorKind.INVALID
    await cases.open(CaseDraft("x"), ANNA)
    with pytest.raises(AppError) as full:
        await cases.open(CaseDraft("y"), ANNA)
    assert full.value.kind is ErrorKind.EXHAUSTED


async def test_words_of_an_earlier_version_are_sealed_at_the_start(desk: Desk) -> None:
    evidence, yard = desk.evidence(), desk.camera()
    hold = await evidence.hold(HoldDraft(yard, SPAN, "x"), ANNA)
    mark = await evidence.add_bookmark(yard, NOW_US, "x", ANNA)
    assert hold.case_id is not None

    def earlier(connection: Connection) -> None:
        connection.execute(update(hold_table).values(reason="The van", words=None))
        connection.execute(update(bookmark_table).values(text="The bicycle", words=None))
        connection.execute(update(case_table).values(name="Case 7", reference="AZ 3", words=None))

    await desk.database.write(earlier)
    for _ in range(2):
        await desk.evidence().seal_older_words()
    assert (await evidence.find_hold(hold.id)).reason == "The van"
    assert (await evidence.bookmark(mark.id)).text == "The bicycle"
    found = await evidence.cases.find(hold.case_id)
    assert (found.name, found.reference) == ("Case 7", "AZ 3")
    rows = await desk.database.read(
        lambda connection: [
            row[0]
            for column in (hold_table.c.reason, bookmark_table.c.text, case_table.c.name)
            for row in connection.execute(select(column))
        ]
    )
    assert rows == ["", "", ""]


async def test_words_moved_to_another_row_do_not_open(desk: Desk) -> None:
    evidence, yard = desk.evidence(), desk.camera()
    first = await evidence.add_bookmark(yard, NOW_US, "one", ANNA)
    sealed = desk.words.seal(new_id(), "another")
    await desk.database.write(
        lambda connection: connection.execute(update(bookmark_table).values(words=sealed)).rowcount
    )
    with pytest.raises(AppError) as told:
        await evidence.bookmark(first.id)
    assert told.value.kind is ErrorKind.LOST_DATA
