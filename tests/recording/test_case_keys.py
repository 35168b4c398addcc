"""A hold keeps its hours readable by its case's key alone, never loses that key, and ends with it."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.recording.footage import EPOCH_US, EVERYTHING, Camera, Room, Site, make_site, play
from tests.recording.shredding import HELD, HOUR_US, SECOND_US, Shredding, new_case

from civiscope.base import AppError, ErrorKind, ManualClock, Span, StreamId, new_id
from civiscope.recording import Archive
from civiscope.recording.keys import read_key_file, write_key_file
from civiscope.security import (
    CaseId,
    IntegrityError,
    KeyContext,
    KeyId,
    SealingKeyWatch,
    VaultDoor,
    read_case_wrap,
    read_wrapped,
)


@pytest.fixture
def world(room: Room, tmp_path: Path) -> Shredding:
    made = Shredding(room, tmp_path, Camera(room.clock))
    made.film()
    return made


def case_file(world: Shredding) -> Path:
    (path,) = (world.room.folder / "keys" / str(world.camera.stream_id)).glob("*.case")
    return path


def test_after_its_age_a_held_span_opens_by_the_case_key_and_by_no_other(world: Shredding) -> None:
    case = new_case()
    world.hold(case)
    before = world.seen()
    world.run(world.wraps())
    assert world.names() == sorted(["key", str(case.case_id)])
    assert world.wraps() == ()
    world.grow_old()
    world.run()
    assert world.names() == [str(case.case_id)]
    assert world.seen() == before > 15
    with pytest.raises(AppError) as refused:
        world.seen(cases=False)
    assert refused.value.kind is ErrorKind.MISSING
    assert world.seen(Span(EPOCH_US, EPOCH_US + SECOND_US)) == 0
    (left,) = world.room.archive().timeline(world.camera.stream_id, EVERYTHING).recorded
    assert left.span.start_us >= HELD.start_us - 5 * SECOND_US
    world.room.site.keyring.unlock_cases([new_case()])
    with pytest.raises(AppError):
        list(world.room.archive().read(world.camera.stream_id, HELD))


def test_the_end_of_the_hold_destroys_the_case_wrap_and_the_pictures(world: Shredding) -> None:
    held = world.hold(new_case())
    world.run(world.wraps())
    world.grow_old()
    world.run()
    world.end(held)
    world.run()
    assert world.names() == []
    assert world.room.archive().timeline(world.camera.stream_id, EVERYTHING).recorded == ()


def test_while_no_case_wrap_has_come_the_sites_own_stays(world: Shredding) -> None:
    world.hold(new_case())
    world.grow_old()
    world.run()
    assert world.names() == ["key"]
    assert world.seen(cases=False) > 15
    world.run(world.wraps())
    assert "key" not in world.names()
    assert world.seen() > 15


def test_a_torn_case_wrap_does_not_count_and_is_made_anew(world: Shredding) -> None:
    world.hold(new_case())
    world.run(world.wraps())
    path = case_file(world)
    path.write_bytes(path.read_bytes()[:-3])
    world.grow_old()
    world.run()
    assert "key" in world.names()
    world.run(world.wraps())
    assert "key" not in world.names()
    assert world.seen() > 15


def test_a_hold_without_a_case_keeps_the_sites_wrap(world: Shredding) -> None:
    world.hold(None)
    world.hold(new_case())
    world.run(world.wraps())
    world.grow_old()
    world.run()
    assert "key" in world.names()


def test_a_second_hold_is_wrapped_from_the_first_after_the_sites_is_gone(world: Shredding) -> None:
    first, second = new_case(), new_case()
    one = world.hold(first)
    world.run(world.wraps())
    world.grow_old()
    world.run()
    world.hold(second)
    world.end(one)
    world.run()
    assert world.names() == [str(first.case_id)], "the last wrap stays until the second case has its own"
    world.room.site.keyring.unlock_cases(world.cases)
    world.run(world.wraps())
    assert world.names() == [str(second.case_id)]
    world.cases = [second]
    assert world.seen() > 15


def test_a_wrap_of_another_case_site_stream_or_key_does_not_open(
    world: Shredding, site: Site, tmp_path: Path
) -> None:
    case, other = new_case(), new_case()
    world.hold(case)
    (wrapped,) = world.wraps()
    keyring = site.keyring
    header, _ = read_case_wrap(wrapped)
    context = header.context
    keyring.unlock_cases([case, other])
    assert keyring.unwrap_case(wrapped, context).key_id == context.key_id
    wrong = [
        replace(context, stream_id=StreamId(new_id())),
        replace(context, hour=context.hour + 1),
        replace(context, key_id=KeyId(new_id())),
    ]
    for one in wrong:
        with pytest.raises(IntegrityError):
            keyring.unwrap_case(wrapped, one)
    renamed = replace(header, case_id=other.case_id).to_bytes() + wrapped[len(header.to_bytes()) :]
    to_other = replace(header, case_id=other.case_id, case_key=other.fingerprint).to_bytes()
    elsewhere = make_site(tmp_path / "other")
    for forged in (renamed, to_other + wrapped[len(to_other) :]):
        with pytest.raises(IntegrityError):
            keyring.unwrap_case(forged, context)
    elsewhere.keyring.unlock_cases([case])
    with pytest.raises(IntegrityError):
        elsewhere.keyring.unwrap_case(wrapped, context)
    for at in range(len(wrapped)):
        changed = bytearray(wrapped)
        changed[at] ^= 1
        with pytest.raises(AppError):
            keyring.unwrap_case(bytes(changed), context)
    keyring.lock()
    try:
        with pytest.raises(AppError) as locked:
            keyring.unwrap_case(wrapped, context)
        assert locked.value.kind is ErrorKind.UNAVAILABLE
    finally:
        from civiscope.security import load_keyring

        keyring.unlock(load_keyring(site.keys.server_folder)._sealing_keys.values())  # type: ignore[union-attr]  # open again for the other tests


def test_the_recorder_keeps_no_wrap_that_is_not_of_its_own_keys(world: Shredding) -> None:
    case = new_case()
    world.hold(case)
    (wrapped,) = world.wraps()
    header, _ = read_case_wrap(wrapped)
    tail = wrapped[len(header.to_bytes()) :]
    elsewhere = KeyContext(StreamId(new_id()), header.context.hour, header.context.key_id)
    unknown = KeyContext(header.context.stream_id, header.context.hour, KeyId(new_id()))
    forged = tuple(replace(header, context=one).to_bytes() + tail for one in (elsewhere, unknown))
    world.run((b"", b"CVCW", wrapped[:-1], *forged))
    assert world.names() == ["key"]
    misplaced = case_file_of(world, header.context, CaseId(new_id()))
    misplaced.write_bytes(write_key_file(wrapped))
    misplaced.chmod(0o600)
    world.grow_old()
    world.run()
    assert "key" in world.names(), "a file under another case's name is no wrap of this hold"


def case_file_of(world: Shredding, context: KeyContext, case_id: CaseId) -> Path:
    folder = world.room.folder / "keys" / str(context.stream_id)
    return folder / f"{context.key_id}.{case_id}.case"


def test_a_lost_index_does_not_lose_what_only_the_case_opens(world: Shredding) -> None:
    world.hold(new_case())
    world.run(world.wraps())
    world.grow_old()
    world.run()
    before = world.seen()
    (world.room.folder / "index.cvx").unlink()
    world.run()
    assert world.seen() == before


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("hold"), st.integers(0, 2)),
            st.tuples(st.just("end"), st.integers(0, 3)),
            st.tuples(st.just("wrap"), st.just(0)),
            st.tuples(st.just("look"), st.just(0)),
        ),
        max_size=9,
    )
)
def test_a_hold_never_loses_its_key(
    site: Site, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("case")
    room = Room(site, folder / "volume", ManualClock(EPOCH_US))
    world = Shredding(room, folder, Camera(room.clock))
    world.film(6)
    cases = [new_case(), new_case()]
    span = Span(EPOCH_US + 2 * SECOND_US, EPOCH_US + 4 * SECOND_US)
    first = world.hold(None if steps and steps[0][1] == 2 else cases[0], span)
    before = world.seen(span)
    world.grow_old()
    ever_empty = False
    for what, number in steps:
        if what == "hold" and not ever_empty:
            world.hold([*cases, None][number], span)
        elif what == "end" and world.holds:
            world.end(world.holds[number % len(world.holds)])
            ever_empty = not world.holds
        else:
            world.run(world.wraps() if what == "wrap" else ())
        if world.holds:
            assert world.seen(span) == before
    world.run(world.wraps())
    if not world.holds:
        assert world.names() == []
    assert first.start_us == span.start_us
    assert room.clock.now_us() > EPOCH_US + 4 * HOUR_US
    assert read_key_file(write_key_file(b"x")) == b"x"


def test_a_renewed_site_key_costs_no_frame_and_begins_a_segment(room: Room, tmp_path: Path) -> None:
    site = make_site(tmp_path / "keys")
    room.site = site
    door = VaultDoor(site.keys, room.clock)
    watch = SealingKeyWatch(site.keys.recorder_folder, site.sealer.renew)
    camera = Camera(room.clock)
    recorder = room.recorder()
    camera.start(recorder)
    play(recorder, [camera], 20)
    door.rotate_sealing_key()
    assert watch.look()
    play(recorder, [camera], 20)
    recorder.close()
    archive = Archive([room.folder], door.keyring, room.clock)
    assert [one.unit for one in archive.read(camera.stream_id, EVERYTHING)] == [
        unit for _, unit in camera.sent
    ]
    folder = room.folder / "keys" / str(camera.stream_id)
    sealed_to = {read_wrapped(read_key_file(one.read_bytes()))[0].sealing_key for one in folder.iterdir()}
    assert len(sealed_to) == 2
    assert len(archive.timeline(camera.stream_id, EVERYTHING).recorded) == 1
