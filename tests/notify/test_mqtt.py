"""MQTT against Debian's mosquitto, started here on 127.0.0.1 with a password file; and against others."""

import asyncio
import json
import shutil
import socket
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiomqtt
import pytest
from tests.notify.receivers import serving

from civiscope.base import AppError, ManualClock
from civiscope.notify import NotifierPorts
from civiscope.notify.contract import CANARY, NotifierContract, Received, Settings, message
from civiscope.notify.notifiers.mqtt import NOTIFIER, Mqtt, MqttSettings, payload_of, topic_of
from civiscope.notify.reach import resolve_name
from civiscope.security import SiteKeys, client_tls

WORD = "pass-of-the-broker"
USER = "civiscope"
BINARY = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin")
PASSWORDS = shutil.which("mosquitto_passwd")


@dataclass(frozen=True)
class Broker:
    """A mosquitto that runs."""

    port: int
    tls_port: int
    pem: str

    def settings(self, **others: object) -> Settings:
        """Right ones, over TLS."""
        return {
            "server": "localhost", "port": self.tls_port, "username": USER, "password": WORD,
            "authority": self.pem, **others,
        }  # fmt: skip

    @asynccontextmanager
    async def listening(self, topic: str = "#") -> AsyncIterator[aiomqtt.Client]:
        """Somebody who has subscribed."""
        tls = client_tls(self.pem.encode())
        async with aiomqtt.Client(
            "localhost", self.tls_port, username=USER, password=WORD, tls_context=tls, timeout=5
        ) as client:
            await client.subscribe(topic, qos=1)
            yield client


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, made_keys: SiteKeys) -> Iterator[Broker]:
    """Ends with the tests of this file."""
    if BINARY is None or PASSWORDS is None:
        pytest.skip("mosquitto is not installed (scripts/system-packages test installs it)")
    folder = tmp_path_factory.mktemp("mosquitto")
    made = Broker(free_port(), free_port(), made_keys.authority_pem().decode())
    for source, name in ((made_keys.tls_certificate_path, "cert.pem"), (made_keys.tls_key_path, "key.pem")):
        shutil.copy(source, folder / name)
    subprocess.run(
        [PASSWORDS, "-b", "-c", folder / "passwords", USER, WORD], check=True, timeout=10, capture_output=True
    )
    (folder / "broker.conf").write_text(
        f"listener {made.port} 127.0.0.1\nlistener {made.tls_port} 127.0.0.1\n"
        f"certfile {folder / 'cert.pem'}\nkeyfile {folder / 'key.pem'}\n"
        f"allow_anonymous false\npassword_file {folder / 'passwords'}\npersistence false\nuser root\n",
        encoding="utf-8",
    )
    process = subprocess.Popen(
        [BINARY, "-c", folder / "broker.conf", "-v"], stderr=subprocess.PIPE, text=True
    )
    is_up = threading.Event()

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            if " running" in line:
                is_up.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        assert is_up.wait(15), "mosquitto does not start"
        yield made
    finally:
        process.terminate()
        process.wait(10)
        reader.join(5)
        assert process.stderr is not None
        process.stderr.close()


class TestContract(NotifierContract):
    """TLS, user and password."""

    plugin = NOTIFIER

    @pytest.fixture(autouse=True)
    def _broker(self, broker: Broker) -> None:
        self.broker = broker

    def settings(self, port: int) -> Settings:
        return {"server": "127.0.0.1", "port": port, "tls": False, "username": "u", "password": CANARY}

    @asynccontextmanager
    async def working(self) -> AsyncIterator[tuple[Settings, Received]]:
        async with self.broker.listening() as client:

            async def received() -> bytes:
                async for one in client.messages:
                    return bytes(one.payload) if isinstance(one.payload, bytes | bytearray) else b""
                return b""

            yield self.broker.settings(), received


async def deliver(settings: Settings, *found: str) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return list(found) or await resolve_name(host, port)

    made = MqttSettings.model_validate(settings)
    async with asyncio.timeout(10):
        await Mqtt(made, NotifierPorts(ManualClock(), resolve, "https://harbour.example")).deliver(message())


async def refusal(settings: Settings, *found: str) -> AppError:
    with pytest.raises(AppError) as told:
        await deliver(settings, *found)
    return told.value


async def test_it_is_published_once_and_not_retained(broker: Broker) -> None:
    async with broker.listening("civiscope/#") as client:
        await deliver(broker.settings())
        async with asyncio.timeout(5):
            one = await anext(aiter(client.messages))
    assert str(one.topic) == "civiscope/Harbour town/Yard – gate 2/alarm"
    assert one.qos == 1
    assert isinstance(one.payload, bytes)
    told = json.loads(one.payload)
    assert set(told) == {"UtcTime", "Source", "Key", "Data"}
    assert told["Data"]["Priority"] == "high"
    assert told["Data"]["Link"] == "https://harbour.example/alarms/1"
    async with broker.listening("civiscope/#") as late:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await anext(aiter(late.messages))


async def test_the_certificate_is_checked_for_the_name(broker: Broker) -> None:
    other_name = await refusal(broker.settings(server="broker.example"), "127.0.0.1")
    by_nobody = await refusal(broker.settings(authority=""))
    assert WORD not in other_name.message + by_nobody.message
    await deliver(broker.settings(server="localhost"), "127.0.0.1")


async def test_a_wrong_password_is_told_in_our_words(broker: Broker) -> None:
    told = await refusal(broker.settings(password="not this one"))
    assert "not accepted" in told.message


async def test_without_tls_in_own_networks_only(broker: Broker) -> None:
    await deliver(broker.settings(tls=False, port=broker.port))
    told = await refusal(broker.settings(tls=False, server="broker.example"), "93.184.216.34")
    assert "without TLS" in told.message


async def test_a_silent_broker_is_told_within_the_deadline() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving(silent) as port:
        told = await refusal({"server": "127.0.0.1", "port": port, "tls": False})
    assert "no answer" in told.message


@pytest.mark.parametrize(
    "topic",
    ["a/+/b", "a/#", "$SYS/a", "a/{who}", "a/{site", "a\x00b", "", "a" * 201, "a/{site.__class__}", "{}"],
)
def test_topics_that_are_none_are_refused(topic: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  pydantic's own
        MqttSettings.model_validate({"server": "broker.example", "topic": topic})


def test_no_name_makes_another_topic() -> None:
    told = message()
    for name in ("a/b", "+", "#", "a\x00b", "", "../x", "{priority}"):
        strange = type(told)(told.id, "s", "t", 0, name, channel_name=name)
        topic = topic_of("c/{site}/{channel}/alarm", strange)
        assert topic.count("/") == 3
        assert not set("+#\x00") & set(topic)


def test_the_document_says_what_onvif_says() -> None:
    told = json.loads(payload_of(message(), ""))
    assert told["UtcTime"].endswith("Z")
    assert told["Data"]["Link"] == "/alarms/1"
