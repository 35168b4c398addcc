"""What was planted is looked for in every file of a site and of its backup: no picture, plate or name."""

import asyncio
import random
from dataclasses import replace
from pathlib import Path

from tests.recording.footage import Camera, Room, Site, play

from civiscope.analytics import ObservationMade
from civiscope.app.alarm_side import open_events
from civiscope.app.backup import BackupWish, make_backup
from civiscope.app.home import Home
from civiscope.app.settings import Settings
from civiscope.app.site import create_site, open_site
from civiscope.base import ManualClock, PrincipalId, Span, SystemClock, new_id
from civiscope.devices import CameraDraft
from civiscope.events import told_by_analytic
from civiscope.evidence import CaseDraft, HoldDraft
from civiscope.security import Principal, PrincipalKind, Role, Secret, load_keyring, load_sealer

SECOND_US = 1_000_000
PLATE, NAME = "M-QX 4711", "Zebulon Quackenbush"
ANNA = Principal(PrincipalId(new_id()), "Anna", PrincipalKind.PERSON, frozenset({Role.OPERATOR}))


def planted(*words: str) -> list[bytes]:
    """As text is written anywhere; the parts of a name too."""
    parts = [part for one in words for part in (one, *one.split()) if len(part) > 3]
    return [part.encode(code) for part in parts for code in ("utf-8", "utf-16-le")]


def found_in(folder: Path, wanted: list[bytes]) -> list[str]:
    """Files that hold one of them."""
    hits = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            hits += [f"{path.relative_to(folder)}: {one!r}" for one in wanted if one in data]
    return hits


async def test_no_file_reveals_a_picture_a_plate_or_a_name(tmp_path: Path) -> None:
    home, settings = Home(tmp_path / "home"), Settings()
    keys = create_site(home, settings)
    jpeg = b"\xff\xd8\xff\xe0\x00\x10JFIF" + random.Random(3).randbytes(400)
    clock = ManualClock(SystemClock().now_us())
    async with open_site(home, settings) as site, open_events(site) as events:
        camera = await site.devices.add_camera(CameraDraft("Yard", "rtsp://192.0.2.1/a"))
        site_keys = Site(keys, load_sealer(keys.recorder_folder), load_keyring(keys.server_folder))
        room = Room(site_keys, home.default_volume, clock)
        film = Camera(clock, stream_id=camera.main.id)
        recorder = room.recorder()
        film.start(recorder)
        play(recorder, [film], 45)
        at_us, evidence = clock.now_us() - SECOND_US, site.evidence
        mark = await evidence.add_bookmark(camera.channel_id, at_us, f"Van {PLATE}, {NAME}", ANNA)
        gone = await evidence.add_bookmark(camera.channel_id, at_us, f"{NAME} again", ANNA)
        await evidence.remove_bookmark(gone.id, ANNA)
        case = await evidence.cases.open(CaseDraft(NAME, PLATE), ANNA)
        draft = HoldDraft(camera.channel_id, Span(at_us - SECOND_US, at_us), f"{PLATE} {NAME}")
        hold = await evidence.hold(replace(draft, case_id=case.id), ANNA)
        event_id = new_id()
        sealed = keys.picture_sealer().seal(event_id, camera.main.id, at_us, jpeg)
        fact = ObservationMade(
            event_id, camera.channel_id, camera.main.id, new_id(), "zone", "zone.entered", "occurred", at_us,
            "car", zone="Mole", picture=sealed,
        )  # fmt: skip
        await events.record(told_by_analytic(fact))
        bodies = [unit.data[6:38] for _, unit in film.sent]
        wanted = [*planted(PLATE, NAME), jpeg[20:52], jpeg[:11], *bodies]
        assert found_in(home.root, planted("Yard")), "a camera's name is in the clear: the search does find"
        assert found_in(home.root, wanted) == [], "while everything is open, logs beside databases included"
        recorder.close()
        assert found_in(home.root, wanted) == []
        await asyncio.to_thread(site.vault_door.set_passphrase, None, Secret("seven red kites over fields"))
        wish = BackupWish(tmp_path / "backups", media=True)
        await asyncio.to_thread(make_backup, home, settings, wish, SystemClock())
        assert found_in(wish.destination, wanted) == []
        assert (await evidence.bookmark(mark.id)).text == f"Van {PLATE}, {NAME}"
        assert (await evidence.find_hold(hold.id)).reason == f"{PLATE} {NAME}"
        found = await evidence.cases.find(case.id)
        assert (found.name, found.reference) == (NAME, PLATE)
        site.vault_door.lock()
        assert (await evidence.bookmark(mark.id)).text == ""
        later = await evidence.hold(draft, ANNA)
        assert (await evidence.find_hold(later.id)).reason == "", "taken while locked, read when it is open"
    assert found_in(home.root, wanted) == []
