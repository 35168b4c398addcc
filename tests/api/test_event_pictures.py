"""Sealed pictures of events through real looks: only of the look's own channel, span and function."""

from dataclasses import replace
from pathlib import Path
from uuid import UUID

from tests.api.matrix_world import HERE, VISITORS, World, make_world
from tests.api.town import Town
from tests.events.world import observation

from civiscope.base import Span, new_id
from civiscope.events import told_by_analytic
from civiscope.privacy import Function, Presentation
from civiscope.security import Principal
from civiscope.viewing import Wish

PATH = "/api/v1/looks/{}/pictures/{}"


async def look(world: World, principal: Principal, function: Function, span: Span | None) -> UUID:
    wish = Wish(principal, "public_safety", function, world.pier.channel_id, span, Presentation.RAW, HERE)
    return (await world.viewing.open(wish)).id


async def test_a_picture_is_opened_for_the_look_that_holds_it(town: Town, tmp_path: Path) -> None:
    world = await make_world(town, VISITORS["operator of the site"], tmp_path)
    async with world.client as client:
        (mine,) = [one for one in world.viewing.looks() if one.id == world.own[PATH_OF_LOOK]]
        principal, event = mine.wish.principal, world.own["event_id"]
        answer = await client.get(PATH.format(mine.id, event))
        assert (answer.status_code, answer.content) == (200, b"\xff\xd8" + event.bytes)
        assert mine.seen == (Span(5_000_000, 5_000_001),)
        bare = observation(5_000_000, channel_id=world.pier.channel_id)
        await town.faces.events.record(told_by_analytic(bare))
        forged = replace(bare, event_id=new_id(), picture=b"\x01 no picture of ours" * 9)
        await town.faces.events.record(told_by_analytic(forged))
        narrow = await look(world, principal, Function.PLAYBACK, Span(1, 5_000_000))
        refused = {
            404: [(mine.id, world.foreign["event_id"]), (mine.id, new_id()), (mine.id, bare.event_id),
                  (narrow, event), (world.foreign["look_id"], event)],
            403: [(await look(world, principal, Function.LIVE, None), event),
                  (await look(world, principal, Function.EXPORT, Span(1, 9_000_000)), event)],
            410: [(mine.id, forged.event_id)],
        }  # fmt: skip
        for status, pairs in refused.items():
            for look_id, event_id in pairs:
                answer = await client.get(PATH.format(look_id, event_id))
                assert answer.status_code == status, (status, answer.text)
                assert b"\xff\xd8" not in answer.content


PATH_OF_LOOK = "/looks/{look_id}/pictures/{event_id} look_id"
