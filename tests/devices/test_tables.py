"""The tables as the migrations leave them: as the snapshot says, as the code believes, from every version."""

import json
import os
import sqlite3
from pathlib import Path

from civiscope.base import ManualClock, new_id
from civiscope.devices import Devices, migrate_devices
from civiscope.devices.tables import binding_table
from civiscope.security import Vault
from civiscope.storage import Database, schema_snapshot

CORPUS = Path(__file__).parents[1] / "corpus" / "schema"
SNAPSHOT = CORPUS / "devices.sql"
FIRST = CORPUS / "devices-0001.sql"
VAULT = Vault(bytes(32))


def test_migrated_schema_is_the_snapshot(tmp_path: Path) -> None:
    with Database(tmp_path / "server.db") as database:
        migrate_devices(database)
        migrate_devices(database)
        found = schema_snapshot(database)
    if os.environ.get("CIVISCOPE_GOLDEN") == "write":
        SNAPSHOT.write_text(found, encoding="utf-8")
    assert found == SNAPSHOT.read_text(encoding="utf-8")


def test_migrated_schema_is_what_the_code_believes(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db") as migrated, Database(tmp_path / "b.db") as declared:
        migrate_devices(migrated)
        declared.write_sync(binding_table.metadata.create_all)
        found = schema_snapshot(migrated).replace(  # an added column has its foreign key beside it
            "group_id CHAR(32) REFERENCES channel_group (id), keep_hours FLOAT, recording TEXT, "
            "PRIMARY KEY (id) )",
            "group_id CHAR(32), keep_hours FLOAT, recording TEXT, PRIMARY KEY (id), "
            "FOREIGN KEY(group_id) REFERENCES channel_group (id) )",
        )
        migrated_lines = [line for line in found.splitlines() if "devices_version" not in line]
        assert migrated_lines == schema_snapshot(declared).splitlines()


async def test_a_site_of_the_first_version_keeps_its_cameras(tmp_path: Path) -> None:
    """The schema as it was, with a camera whose address holds a password, becomes the schema of today."""
    path = tmp_path / "server.db"
    device, channel, stream, binding = (new_id() for _ in range(4))
    words = json.dumps({"username": "admin", "password": "open-sesame"}).encode()
    credentials = VAULT.seal_secret(words, b"device/" + device.bytes + b"/credentials")
    url = VAULT.seal_secret(b"rtsp://cam/?password=hush", b"stream/" + stream.bytes + b"/url")
    with sqlite3.connect(path) as raw:
        lines = FIRST.read_text(encoding="utf-8").splitlines()
        statements = [line for line in lines if line.startswith("CREATE")]
        for line in sorted(statements, key=lambda line: "INDEX" in line):
            raw.execute(line)
        raw.execute("INSERT INTO devices_version VALUES ('0001')")
        raw.execute("INSERT INTO device VALUES (?, 'rtsp', ?, NULL, 5, NULL)", (device.hex, credentials))
        raw.execute("INSERT INTO channel VALUES (?, 'North gate', 5, NULL)", (channel.hex,))
        raw.execute(
            "INSERT INTO binding VALUES (?, ?, ?, 0, 5, NULL)", (binding.hex, channel.hex, device.hex)
        )
        raw.execute(
            "INSERT INTO stream VALUES (?, ?, ?, 'main', 'rtsp://cam/?password=***', ?, 'udp', 0)",
            (stream.hex, channel.hex, device.hex, url),
        )
    raw.close()
    with Database(path) as database:
        migrate_devices(database)
        assert schema_snapshot(database) == SNAPSHOT.read_text(encoding="utf-8")
        devices = Devices(database, VAULT, ManualClock())
        (camera,) = await devices.cameras()
        assert (camera.channel_id, camera.main.id, camera.name) == (channel, stream, "North gate")
        (planned,) = await devices.plan()
        assert planned.url == "rtsp://cam/?password=hush"
        (box,) = await devices.book.all()
        assert (box.id, box.driver, box.address, box.transport) == (
            device,
            "rtsp",
            "rtsp://cam/?password=***",
            "udp",
        )
        reached = await devices.book.reach(box.id)
        assert (reached.address, reached.password) == ("rtsp://cam/?password=hush", "open-sesame")
