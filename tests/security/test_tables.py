"""The tables as the migrations leave them: as the snapshot says, and as the code believes."""

import os
import sqlite3
from pathlib import Path

from civiscope.security import migrate_security
from civiscope.security.tables import audit_table, session_table, user_table
from civiscope.storage import Database, schema_snapshot, select

SNAPSHOT = Path(__file__).parents[1] / "corpus" / "schema" / "security.sql"
ID = "0190" * 8


def test_migrated_schema_is_the_snapshot(tmp_path: Path) -> None:
    with Database(tmp_path / "server.db") as database:
        migrate_security(database)
        migrate_security(database)
        found = schema_snapshot(database)
    if os.environ.get("CIVISCOPE_GOLDEN") == "write":
        SNAPSHOT.write_text(found, encoding="utf-8")
    assert found == SNAPSHOT.read_text(encoding="utf-8")


def test_a_site_of_the_first_version_keeps_its_people_and_its_chain(tmp_path: Path) -> None:
    lines = SNAPSHOT.with_name("security-0001.sql").read_text(encoding="utf-8").splitlines()
    statements = sorted((line for line in lines if not line.startswith("--")), key=_order)
    with sqlite3.connect(tmp_path / "server.db") as old:
        old.executescript("\n".join(statements))
        old.execute("INSERT INTO security_version VALUES ('0001')")
        old.execute(
            "INSERT INTO user_account VALUES (?,'Anna','anna','hash','[\"administrator\"]',1,1,NULL)", (ID,)
        )
        old.execute("INSERT INTO user_session VALUES (?,?,x'00',1,1,9,'::1')", (ID, ID))
        old.execute("INSERT INTO audit_entry VALUES (1,1,NULL,'x','y','','','done','',x'00',x'01',x'02')")
    old.close()
    with Database(tmp_path / "server.db") as database:
        migrate_security(database)
        assert schema_snapshot(database) == SNAPSHOT.read_text(encoding="utf-8")
        rows = database.read_sync(
            lambda connection: (
                connection.execute(select(user_table.c.name)).scalars().all(),
                len(connection.execute(select(session_table)).all()),
                len(connection.execute(select(audit_table)).all()),
            )
        )
    assert rows == (["Anna"], 1, 1)


def _order(statement: str) -> tuple[bool, bool]:
    """Tables before what stands on them."""
    return (not statement.startswith("CREATE TABLE"), statement.startswith("CREATE TRIGGER"))


def test_migrated_schema_is_what_the_code_believes(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db") as migrated, Database(tmp_path / "b.db") as declared:
        migrate_security(migrated)
        declared.write_sync(user_table.metadata.create_all)
        migrated_lines = schema_snapshot(migrated).splitlines()
        own = {"security_version", "TRIGGER audit_entry", "trigger audit_entry"}
        assert [line for line in migrated_lines if not any(word in line for word in own)] == schema_snapshot(
            declared
        ).splitlines()
