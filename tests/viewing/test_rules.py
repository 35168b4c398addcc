"""Nothing is shown without permission, purpose and a record; what ends a look."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.viewing.world import PURPOSE, Screen, World, person, until, world

from civiscope.base import AppError, ErrorKind, Span, new_id
from civiscope.privacy import Function, PermitDraft, Presentation
from civiscope.security import AuditLog, Outcome, Role, SessionId
from civiscope.viewing import ViewingSettings

_SPAN = Span(1_700_000_000_000_000, 1_700_000_060_000_000)


async def _newest(audit: AuditLog) -> tuple[str, Outcome, dict[str, object]]:
    (entry,) = await audit.entries(limit=1)
    return entry.what, entry.outcome, await audit.details(entry.sequence) or {}


async def test_each_look_and_its_end_are_in_the_audit(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        look = await here.viewing.open(here.wish(Function.PLAYBACK, _SPAN))
        (entry,) = await here.audit.entries(limit=1)
        assert (entry.what, entry.why, entry.from_where) == ("look.playback", PURPOSE, "192.0.2.7")
        assert entry.object == f"channel {here.channel_id}"
        what, outcome, details = await _newest(here.audit)
        assert (details["from_us"], details["to_us"]) == (_SPAN.start_us, _SPAN.end_us)
        assert here.viewing.looks(here.principal.id) == [look]
        await look.close()
        what, outcome, details = await _newest(here.audit)
        assert (what, outcome) == ("look.end", Outcome.DONE)
        assert details["reason"] == "closed"
        assert details["seen"] == []
        assert here.viewing.looks() == []
        with pytest.raises(AppError, match="has ended"):
            await look.media(_SPAN.start_us, 1)


async def _refusal(here: World, wish: object) -> AppError:
    with pytest.raises(AppError) as caught:
        await here.viewing.open(wish)  # type: ignore[arg-type]  # a wish made by replace
    what, outcome, details = await _newest(here.audit)
    assert what.startswith("look.")
    assert outcome is Outcome.REFUSED
    assert details["message"] == caught.value.message
    return caught.value


async def test_refusals_say_why_and_are_in_the_audit(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        wish = here.wish()
        viewer = person(Role.VIEWER)
        officer = person(Role.DATA_PROTECTION_OFFICER)
        assert (await _refusal(here, replace(wish, principal=officer))).kind is ErrorKind.DENIED
        playback = replace(wish, principal=viewer, function=Function.PLAYBACK, span=_SPAN)
        assert (await _refusal(here, playback)).kind is ErrorKind.DENIED
        assert (await _refusal(here, replace(wish, purpose="curiosity"))).kind is ErrorKind.DENIED
        covered = await _refusal(here, replace(wish, presentation=Presentation.COVERED))
        assert covered.kind is ErrorKind.UNAVAILABLE
        for bad in (
            replace(wish, span=_SPAN),
            replace(wish, function=Function.PLAYBACK),
            replace(wish, function=Function.PLAYBACK, span=Span(5, 5)),
            replace(wish, function=Function.EXPORT, span=Span(0, 25 * 3_600_000_000)),
        ):
            assert (await _refusal(here, bad)).kind is ErrorKind.INVALID


async def test_a_new_look_ends_the_one_unused_longest_but_none_that_is_watched(tmp_path: Path) -> None:
    """A page that is loaded again and again closes no look; its person must not be locked out."""
    async with world(tmp_path, ViewingSettings(looks_per_principal=2)) as here:
        watched = await here.viewing.open(here.wish())
        screen = Screen().open(watched.live())
        await until(lambda: watched.is_watched)
        for _ in range(5):
            newest = await here.viewing.open(here.wish(Function.PLAYBACK, _SPAN))
            assert here.viewing.looks() == [watched, newest]
        ends = [one for one in await here.audit.entries() if one.what == "look.end"]
        assert len(ends) == 4
        await newest.close()
        other = await here.viewing.open(here.wish())
        other_screen = Screen().open(other.live())
        await until(lambda: other.is_watched)
        assert (await _refusal(here, here.wish())).kind is ErrorKind.EXHAUSTED
        await screen.close()
        await other_screen.close()


async def test_a_sign_out_ends_the_looks_of_its_session_at_once(tmp_path: Path) -> None:
    async with world(tmp_path, ViewingSettings(recheck_s=60)) as here:
        desk, wall = [
            await here.viewing.open(
                replace(here.wish(), principal=replace(here.principal, session_id=SessionId(new_id())))
            )
            for _ in range(2)
        ]
        screen = Screen().open(desk.live())
        await until(lambda: bool(screen.messages))
        await here.viewing.end_session(desk.wish.principal)
        assert here.viewing.looks() == [wall]
        await until(lambda: screen.error is not None)
        assert isinstance(screen.error, AppError)
        assert screen.error.kind is ErrorKind.UNAUTHENTICATED
        await screen.close()


async def test_a_look_ends_when_its_holder_loses_the_role(tmp_path: Path) -> None:
    async with world(tmp_path, ViewingSettings(recheck_s=60)) as here:
        screen = Screen().open((await here.viewing.open(here.wish())).live())
        await until(lambda: bool(screen.messages))
        officer = replace(here.principal, roles=frozenset({Role.DATA_PROTECTION_OFFICER}))
        here.signed_in[officer.id] = officer
        await here.viewing.recheck()
        assert here.viewing.looks() == []
        await until(lambda: screen.error is not None)
        assert isinstance(screen.error, AppError)
        assert screen.error.kind is ErrorKind.DENIED
        await screen.close()


async def test_a_look_belongs_to_who_opened_it(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        look = await here.viewing.open(here.wish())
        assert here.viewing.look(look.id, here.principal) is look
        with pytest.raises(AppError, match="no such look"):
            here.viewing.look(look.id, person(Role.ADMINISTRATOR))


async def test_a_look_serves_only_what_it_was_opened_for(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        live = await here.viewing.open(here.wish())
        with pytest.raises(AppError, match="opened for live"):
            await live.media(_SPAN.start_us, 1)
        playback = await here.viewing.open(here.wish(Function.PLAYBACK, _SPAN))
        with pytest.raises(AppError, match="opened for playback"):
            await anext(playback.download())
        with pytest.raises(AppError, match="outside the span"):
            await playback.media(_SPAN.end_us, 1)


async def test_a_session_that_ends_ends_its_live_looks(tmp_path: Path) -> None:
    async with world(tmp_path, ViewingSettings(recheck_s=0.05)) as here:
        look = await here.viewing.open(here.wish())
        screen = Screen().open(look.live())
        await until(lambda: bool(screen.messages))
        here.signed_in.clear()
        await until(lambda: screen.error is not None)
        assert isinstance(screen.error, AppError)
        assert screen.error.kind is ErrorKind.UNAUTHENTICATED
        await screen.close()
        await until(lambda: not here.viewing.looks())
        while (newest := await _newest(here.audit))[0] != "look.end":
            await asyncio.sleep(0.005)
        _, _, details = newest
        assert details["reason"] == "unauthenticated"
        assert details["seen_spans"] == 1


async def test_a_revoked_permit_ends_a_live_look(tmp_path: Path) -> None:
    async with world(tmp_path, ViewingSettings(recheck_s=0.05)) as here:
        look = await here.viewing.open(here.wish())
        screen = Screen().open(look.live())
        await until(lambda: bool(screen.messages))
        for permit in await here.purposes.permits():
            await here.purposes.revoke(permit.id, here.principal)
        await until(lambda: screen.error is not None)
        assert isinstance(screen.error, AppError)
        assert screen.error.kind is ErrorKind.DENIED
        await screen.close()


async def test_a_look_ends_with_its_permit_and_with_disuse(tmp_path: Path) -> None:
    async with world(tmp_path, ViewingSettings(unused_limit_us=0)) as here:
        for permit in await here.purposes.permits():
            await here.purposes.revoke(permit.id, here.principal)
        until_us = here.clock.now_us() + 3_600_000_000
        draft = PermitDraft(
            purpose_id=PURPOSE, role=None, principal_id=here.principal.id, channels=None,
            functions=frozenset({Function.LIVE}), until_us=until_us,
        )  # fmt: skip
        await here.purposes.grant(draft, here.principal)
        look = await here.viewing.open(here.wish())
        assert look.expires_us == until_us
        await here.viewing.recheck()
        assert here.viewing.looks() == []
        _, _, details = await _newest(here.audit)
        assert details["reason"] == "unused"


async def test_stopping_ends_every_look(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        screen = Screen().open((await here.viewing.open(here.wish())).live())
        await until(lambda: bool(screen.messages))
    assert screen.task is not None
    await until(lambda: screen.task is not None and screen.task.done())
    await screen.close()


async def test_what_cannot_be_checked_any_more_is_refused(tmp_path: Path) -> None:
    async with world(tmp_path, ViewingSettings(recheck_s=60)) as here:
        await here.viewing.open(here.wish())

        async def nobody_knows(_: object) -> None:
            raise AppError(ErrorKind.UNAVAILABLE, "The database does not answer. Try again.")

        object.__setattr__(here.viewing._faces, "principal_now", nobody_knows)
        for _ in range(5):
            await here.viewing.recheck()
        assert len(here.viewing.looks()) == 1
        await here.viewing.recheck()
        assert here.viewing.looks() == []


async def test_without_an_audit_there_is_no_look(tmp_path: Path) -> None:
    async with world(tmp_path) as here:

        class FullDisk:
            async def append(self, _: object) -> int:
                raise AppError(ErrorKind.UNAVAILABLE, "The disk is full. Make room.")

        object.__setattr__(here.viewing._faces, "audit", FullDisk())
        with pytest.raises(AppError, match="disk is full"):
            await here.viewing.open(here.wish())
        assert here.viewing.looks() == []
