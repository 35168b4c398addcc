"""Canaries: secrets given to the running product stand nowhere in the clear, whatever goes wrong."""

import base64
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from tests.product import ADMINISTRATOR, Cameras, Desk, Product, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
CAMERA_PASSWORD = "Kanarie#camera/1?x"
WRONG_CAMERA_PASSWORD = "Kanarie#camera/2?x"
TRIED_PASSWORD = "Kanarie#tried/3?x"
QUERY = "kanarie-query-4"
IN_ADDRESS = "kanarie-address-5"
VAULT_WORD = "kanarie vault phrase six"
NEXT_VAULT_WORD = "kanarie vault phrase seven"
WRONG_VAULT_WORD = "kanarie vault phrase eight"
WRONG_USER_PASSWORD = "kanarie user phrase nine"
WEAK_WORD = "kanarie-10"
ODD_FIELD = "kanarie-field-11"
CANARIES = (
    CAMERA_PASSWORD, WRONG_CAMERA_PASSWORD, TRIED_PASSWORD, QUERY, IN_ADDRESS, VAULT_WORD, NEXT_VAULT_WORD,
    WRONG_VAULT_WORD, WRONG_USER_PASSWORD, WEAK_WORD, ODD_FIELD,
)  # fmt: skip


def disguises(canary: str) -> set[bytes]:
    """The canary as a careless program might have written it."""
    plain = canary.encode()
    found = {plain, plain.hex().encode(), plain.hex().upper().encode(), plain[::-1]}
    found |= {quote(canary, safe="").encode(), quote(canary).encode(), canary.replace(" ", "+").encode()}
    found |= {canary.encode("utf-16-le"), canary.encode("utf-16-be")}
    for lead in range(3):  # wherever in a longer text it stood; without the letters that neighbours decide
        coded = base64.b64encode(b"x" * lead + plain)
        found.add(coded[4 if lead else 0 : len(coded) - 4])
        found.add(base64.urlsafe_b64encode(b"x" * lead + plain)[4 if lead else 0 : len(coded) - 4])
    return {one for one in found if len(one) >= 8}


def leaks_in(data: bytes, canaries: tuple[str, ...] = CANARIES) -> list[str]:
    return [canary for canary in canaries if any(one in data for one in disguises(canary))]


@pytest.mark.parametrize("canary", CANARIES)
def test_the_search_finds_what_it_looks_for(canary: str) -> None:
    plain = canary.encode()
    for hidden in (
        b"{'password': '%s'}" % plain, plain.hex().encode(), base64.b64encode(b"cam:" + plain + b"/"),
        quote(canary, safe="").encode(), canary.encode("utf-16-le"),
    ):  # fmt: skip
        assert leaks_in(b"before " + hidden + b" after", (canary,)) == [canary], hidden


@pytest.fixture(scope="module")
def answers() -> list[tuple[str, bytes]]:
    """Every HTTP answer of this story: where from, and its bytes with all headers but the cookie."""
    return []


@pytest.fixture(scope="module")
def talkative(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product at its most talkative."""
    product = Product(tmp_path_factory.mktemp("canary") / "home", environment={"CIVISCOPE_LOG": "debug"})
    try:
        yield product.start()
    finally:
        product.destroy()


def listen(client: httpx.Client, answers: list[tuple[str, bytes]]) -> None:
    def note(answer: httpx.Response) -> None:
        answer.read()
        headers = [f"{name}: {value}" for name, value in answer.headers.items() if name != "set-cookie"]
        answers.append((str(answer.request.url), "\n".join(headers).encode() + answer.content))

    client.event_hooks["response"].append(note)


def camera_story(product: Product, desk: Desk, cameras: Cameras) -> None:
    """Cameras that work, that refuse, that are not there; with secrets in every place where one fits."""
    good = cameras.urls[0]
    host = good.removeprefix("rtsp://")
    product.run("camera", "add", "Gate", good, "--username", "cam", "--password-stdin",
                stdin=CAMERA_PASSWORD + "\n")  # fmt: skip
    desk.post("/cameras", {"name": "Wrong", "address": f"{good}?token={QUERY}", "username": "cam",
                           "password": WRONG_CAMERA_PASSWORD})  # fmt: skip
    desk.client.post("/api/v1/cameras", json={"name": "Dead", "address":
                     f"rtsp://cam:{IN_ADDRESS}@127.0.0.1:9/live?key={QUERY}"})  # fmt: skip
    web = f"http://127.0.0.1:{product.port}/"
    addresses = (good, "rtsp://127.0.0.1:9/x", "rtsps://127.0.0.1:9/x", web, f"rtsp://{host}?key={QUERY}")
    for address in addresses:
        body = {"address": address, "username": "cam", "password": TRIED_PASSWORD}
        desk.client.post("/api/v1/cameras/probe", json=body)
    desk.client.post("/api/v1/cameras/probe", json={"address": f"rtsp://cam:{IN_ADDRESS}@127.0.0.1:9/x"})
    desk.client.post("/api/v1/cameras", json={"name": 7, "address": good, "password": [ODD_FIELD]})
    desk.client.post("/api/v1/cameras", json={"name": "x", "address": good, "Passwort": ODD_FIELD})
    desk.client.post("/api/v1/cameras", content=f'{{"password": "{ODD_FIELD}"')
    wait_for("a refusal", lambda: desk.channels()["Wrong"]["state"] in {"lost", "refused", "connecting"}, 20)
    wait_for("a recording", lambda: desk.channels()["Gate"]["state"] == "recording", 20)


def vault_story(product: Product, desk: Desk) -> None:
    """A passphrase set, changed, mistyped, locked and opened again."""
    desk.client.post("/api/v1/vault/passphrase", json={"new": WEAK_WORD})
    desk.post("/vault/passphrase", {"new": VAULT_WORD})
    desk.client.post("/api/v1/vault/passphrase", json={"old": WRONG_VAULT_WORD, "new": NEXT_VAULT_WORD})
    desk.post("/vault/passphrase", {"old": VAULT_WORD, "new": NEXT_VAULT_WORD})
    product.run("vault", "lock")
    desk.client.post("/api/v1/vault/unlock", json={"passphrase": WRONG_VAULT_WORD})
    desk.client.post("/api/v1/vault/unlock", json={"passphrase": [ODD_FIELD]})
    product.run("vault", "unlock", stdin=NEXT_VAULT_WORD + "\n")


def sign_in_story(product: Product, answers: list[tuple[str, bytes]]) -> None:
    """Wrong passwords, and a password typed into the field of the name."""
    with product.client() as client:
        listen(client, answers)
        for name in (ADMINISTRATOR[0], "nobody", WRONG_USER_PASSWORD):
            client.post("/api/v1/session", json={"name": name, "password": WRONG_USER_PASSWORD})
        client.post("/api/v1/setup", json={"code": ODD_FIELD, "name": "x", "password": WRONG_USER_PASSWORD})


def files_below(home: Path) -> Iterator[tuple[Path, bytes]]:
    for path in sorted(home.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path, path.read_bytes()


def test_no_canary_sings(
    talkative: Product,
    start_cameras: Callable[..., Cameras],
    clips: list[Path],
    answers: list[tuple[str, bytes]],
) -> None:
    desk = talkative.administrator()
    listen(desk.client, answers)
    cameras = start_cameras(clips[:1], user=f"cam:{CAMERA_PASSWORD}")
    camera_story(talkative, desk, cameras)
    vault_story(talkative, desk)
    sign_in_story(talkative, answers)
    for page in ("/channels", "/status", "/audit", "/settings", "/vault", "/session"):
        desk.get(page)
    talkative.kill("server")
    talkative.kill("recorder")
    wait_for("the door", lambda: desk.client.get("/api/v1/health").status_code == 200, 30)
    time.sleep(1)

    assert len(answers) > 20
    assert [(url, found) for url, data in answers if (found := leaks_in(data))] == []
    everybody = {**talkative.pids(), "supervisor": talkative.process.pid if talkative.process else 0}
    for role, pid in everybody.items():
        for name in ("cmdline", "environ"):
            assert not leaks_in(Path(f"/proc/{pid}/{name}").read_bytes()), (role, name)
    token = desk.client.cookies["__Host-civiscope"]
    wanted = (*CANARIES, ADMINISTRATOR[1], token, desk.client.headers["X-CSRF-Token"])
    talkative.stop()
    searched = list(files_below(talkative.home))
    logs = [path.name for path, data in searched if path.suffix == ".log" and data]
    assert {"server.log", "recorder.log"} <= set(logs)
    assert [(str(path), found) for path, data in searched if (found := leaks_in(data, wanted))] == []
    with sqlite3.connect(talkative.home / "server" / "server.db") as database:
        devices = database.execute("SELECT count(*) FROM device").fetchone()
    database.close()
    assert devices[0] >= 2, "the cameras of this story are in the database that was searched"
