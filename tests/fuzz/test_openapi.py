"""Every call of our own description, with data made from its schema and against it, as everybody.

Schemathesis makes the requests; the real server answers. Whatever comes: no 5xx but "not now", no status or
content that the description does not name, nothing wrong accepted.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    status_code_conformance,
)
from tests.product import ADMINISTRATOR, Desk, Product

pytestmark = pytest.mark.fuzz

_NO_NETWORK = "\n[devices]\nnetworks = []\n"
"""Whatever address is made up, nothing is connected to."""
_LEFT_OUT = {
    ("DELETE", "/api/v1/session"): "ends the very session that asks",
    ("POST", "/api/v1/vault/lock"): "shuts what the other calls need",
    ("POST", "/api/v1/simulator"): "starts a process",
    ("POST", "/api/v1/devices/discover"): "listens for seconds and finds nobody here",
    ("PUT", "/api/v1/settings/{name}"): "may open the device networks, which stay shut in this test",
}
_CHECKS = [status_code_conformance, content_type_conformance]
_ALLOWED_5XX = {503, 504}
_PEOPLE = ("operator", "viewer", "data_protection_officer")
_EXAMPLES = {"administrator": 10}


@schemathesis.serializer("application/sdp")
def as_sdp(ctx: object, value: object) -> bytes:
    """An offer, or whatever was made instead of one, as the bytes of the body."""
    del ctx
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The whole product without cameras and without a network to reach any."""
    running = Product(
        tmp_path_factory.mktemp("openapi") / "home", environment={"CIVISCOPE_DEVICES_LOOPBACK": "no"}
    )
    running.run("init", "--name", "Test town")
    with (running.home / "civiscope.toml").open("a", encoding="utf-8") as file:
        file.write(_NO_NETWORK)
    try:
        running.start()
        running.setup_code = running.run("setup-code").split()[-1]
        yield running
    finally:
        running.destroy()


@pytest.fixture(scope="module")
def visitors(product: Product) -> dict[str, Desk | httpx.Client]:
    """Somebody of each role, and nobody."""
    chief = product.administrator()
    nobody = product.client()
    product.clients.append(nobody)
    found: dict[str, Desk | httpx.Client] = {"administrator": chief, "anonymous": nobody}
    for role in _PEOPLE:
        made = chief.post("/users", {"name": role, "roles": [role]})
        client = product.client()
        product.clients.append(client)
        joined = client.post(
            "/api/v1/invitations", json={"code": made["invitation"]["code"], "password": ADMINISTRATOR[1]}
        )
        assert joined.status_code == 201, joined.text
        found[role] = Desk(client)
    return found


def session_of(product: Product, visitor: Desk | httpx.Client) -> requests.Session:
    """The visitor's own cookie and CSRF token, for requests as Schemathesis sends them."""
    client = visitor.client if isinstance(visitor, Desk) else visitor
    session = requests.Session()
    session.trust_env = False
    session.verify = str(product.home / "keys" / "authority.pem")
    session.headers.update({"Origin": product.url, "X-CSRF-Token": client.headers.get("X-CSRF-Token", "")})
    for cookie in client.cookies.jar:
        session.headers["Cookie"] = f"{cookie.name}={cookie.value}"
    return session


def _try_operation(
    session: requests.Session,
    url: str,
    operation: "APIOperation[Any, Any, Any, Any]",
    mode: GenerationMode,
    examples: int,
) -> int:
    """Some cases of one operation; how many were asked."""
    asked = 0

    @seed(20261121)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode))
    def ask(case: "schemathesis.Case[Any]") -> None:
        nonlocal asked
        headers = {
            "Cookie": session.headers.get("Cookie", ""),
            "X-CSRF-Token": session.headers["X-CSRF-Token"],
        }
        answer = case.call(base_url=url, session=session, headers=headers, timeout=20, verify=session.verify)
        asked += 1
        where = f"{case.method} {case.formatted_path} {case.body!r:.300}"
        assert answer.status_code < 500 or answer.status_code in _ALLOWED_5XX, f"{where}: {answer.text[:300]}"
        assert b"Traceback" not in answer.content, where
        is_to_be_refused = mode.is_negative and answer.status_code != 413
        case.validate_response(
            answer, checks=[*_CHECKS, *([negative_data_rejection] if is_to_be_refused else [])]
        )

    try:
        ask()
    except Unsatisfiable:
        return 0  # nothing about this call can be wrong, or nothing fits it
    return asked


@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("who", ["administrator", *_PEOPLE, "anonymous"])
def test_nothing_is_found(product: Product, visitors: dict[str, Desk | httpx.Client], who: str) -> None:
    chief = visitors["administrator"]
    assert isinstance(chief, Desk)
    document = chief.get("/openapi.json")
    for path in document["paths"].values():
        for operation in path.values():
            operation.pop("security", None)  # each visitor brings what they have
    schema = schemathesis.openapi.from_dict(document)
    asked, findings = 0, []
    with session_of(product, visitors[who]) as session:
        for found in schema.get_all_operations():
            assert isinstance(found, Ok), found
            asking = found.ok()
            if (asking.method.upper(), asking.path) in _LEFT_OUT:
                continue
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                try:
                    asked += _try_operation(session, product.url, asking, mode, _EXAMPLES.get(who, 3))
                except (AssertionError, BaseExceptionGroup) as finding:
                    findings.append(f"{asking.method} {asking.path} {mode.value}: {finding}")
    assert not findings, "\n\n".join(findings)
    assert asked > 100
    assert "Traceback" not in product.printed()
    print(f"openapi as {who}: {asked} requests")
