"""The grammar of a camera's address: what is taken, what is refused, and that no secret stays in sight."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import AppError, ErrorKind
from civiscope.devices import TypedAddress, parse_address


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("rtsp://192.168.1.20/stream1", "rtsp://192.168.1.20/stream1"),
        ("  RTSP://Cam-1.Example.ORG:554/a?b=c  ", "rtsp://cam-1.example.org/a?b=c"),
        ("rtsps://cam:8322", "rtsps://cam:8322"),
        ("rtsps://cam:322/x", "rtsps://cam/x"),
        ("rtsp://[FD00::20]:8554/x", "rtsp://[fd00::20]:8554/x"),
        ("rtsp://[::1]/x", "rtsp://[::1]/x"),
        ("rtsp://cam/é", "rtsp://cam/%C3%A9"),
        ("rtsp://cam?x=1", "rtsp://cam?x=1"),
        ("rtsp://cam./x@y", "rtsp://cam/x@y"),
        ("rtsp://my_cam/%20", "rtsp://my_cam/%20"),
        ("http://Cam:80/video.mjpg?x=1", "http://cam/video.mjpg?x=1"),
        ("https://cam:8443", "https://cam:8443"),
        ("onvif://192.168.1.20", "http://192.168.1.20/onvif/device_service"),
        ("onvif://cam:8080/", "http://cam:8080/onvif/device_service"),
        ("192.168.1.20", "192.168.1.20"),
        ("Cam.Example.org:8000", "cam.example.org:8000"),
        ("fd00::20", "[fd00::20]"),
        ("[FD00::20]:8000", "[fd00::20]:8000"),
        ("file:///srv/clips/gate%201.mp4", "file:///srv/clips/gate%201.mp4"),
    ],
)
def test_takes(typed: str, url: str) -> None:
    found = parse_address(typed)
    assert found.address.url == url
    assert (found.username, found.password) == (None, None)


@pytest.mark.parametrize(
    ("typed", "username", "password"),
    [
        ("rtsp://admin:secret@cam/x", "admin", "secret"),
        ("rtsp://admin:p%40ss%2Fw@cam/x", "admin", "p@ss/w"),
        ("rtsp://admin:p@ss@cam/x", "admin", "p@ss"),
        ("rtsp://admin@cam/x", "admin", ""),
        ("rtsp://admin:a:b@cam:8554/x", "admin", "a:b"),
        ("rtsp://@cam/x", "", ""),
        ("http://admin:secret@cam/x", "admin", "secret"),
        ("onvif://admin:secret@cam", "admin", "secret"),
    ],
)
def test_user_info_is_taken_out(typed: str, username: str, password: str) -> None:
    found = parse_address(typed)
    assert found.username == username
    assert found.password is not None
    assert found.password.reveal() == password
    assert "@" not in found.address.url.split("/")[2]
    assert not password or password not in repr(found) + str(found.password)


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("", "empty"),
        ("cam/stream", "start with"),
        ("file://etc/passwd", "three slashes"),
        ("file:///a/../etc/passwd", "plain path"),
        ("file:///a/%2e%2e/etc/passwd", "plain path"),
        ("file:///a?b", "plain path"),
        ("exec:ls", "start with"),
        ("/etc/passwd", "start with"),
        ("ftp://cam/x", "ftp"),
        ("gopher://cam/x", "gopher"),
        ("onvif://cam/x", "host and a port only"),
        ("169.254.169.254", "machine's host"),
        ("http://169.254.169.254/latest/meta-data", "machine's host"),
        ("http://[fd00:ec2::254]/", "machine's host"),
        ("2130706433", "IPv4"),
        ("http://0x7f.1/", "IPv4"),
        ("cam:99999", "port"),
        ("rtsp+unix://cam/x", "rtsp+unix"),
        ("rtsp:///x", "no host"),
        ("rtsp://cam:0/x", "port"),
        ("rtsp://cam:65536/x", "port"),
        ("rtsp://cam:/x", "port"),
        ("rtsp://cam:+554/x", "port"),
        ("rtsp://cam:٥٥٤/x", "port"),
        ("rtsp://admin:pa/ss@cam/x", "port"),
        ("rtsp://300.1.1.1/x", "IPv4"),
        ("rtsp://127.1/x", "IPv4"),
        ("rtsp://2130706433/x", "IPv4"),
        ("rtsp://0x7f000001/x", "IPv4"),
        ("rtsp://010.0.0.1/x", "IPv4"),
        ("rtsp://0.0.0.0/x", "one machine"),
        ("rtsp://239.0.0.1/x", "one machine"),
        ("rtsp://255.255.255.255/x", "one machine"),
        ("rtsp://[ff02::1]/x", "one machine"),
        ("rtsp://[::ffff:0.0.0.0]/x", "one machine"),
        ("rtsp://169.254.169.254/latest/meta-data", "machine's host"),
        ("rtsp://[::ffff:169.254.169.254]/x", "machine's host"),
        ("rtsp://[fe80::1%25eth0]/x", "IPv6"),
        ("rtsp://[::1/x", "closed"),
        ("rtsp://[::1]8554/x", "closed"),
        ("rtsp://câm/x", "a to z"),
        ("rtsp://-cam/x", "typing errors"),
        ("rtsp://a..b/x", "typing errors"),
        ("rtsp://cam/x y", "space"),
        ("rtsp://cam/x\r\nHost: evil", "line break"),
        ("rtsp://cam/\x00", "control"),
        ("rtsp://cam/\u202e", "control"),
        ("rtsp://cam/x#y", "#"),
        ("rtsp://cam/<x>", "percent"),
        ("rtsp://%ff@cam/x", "readable"),
        ("rtsp://a%0d%0ab:c@cam/x", "control"),
        ("rtsp://cam/" + "x" * 2048, "longer"),
        ("rtsp://" + "a" * 256 + ":b@cam/", "longer"),
        ("rtsp://" + "a" * 64 + "/", "typing errors"),
    ],
)
def test_refuses_in_plain_words(typed: str, word: str) -> None:
    with pytest.raises(AppError) as caught:
        parse_address(typed)
    assert caught.value.kind is ErrorKind.INVALID
    assert word in caught.value.message
    assert "pa/ss" not in caught.value.message


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("rtsp://cam/?user=a&password=wo_rd&c=1", "rtsp://cam/?user=a&password=***&c=1"),
        ("rtsp://cam/user=a_password=wo_rd_channel=1", "rtsp://cam/user=a_password=***_channel=1"),
        ("rtsp://cam/live?PWD=wo_rd", "rtsp://cam/live?PWD=***"),
    ],
)
def test_a_password_in_path_or_query_is_not_shown(typed: str, shown: str) -> None:
    address = parse_address(typed).address
    assert address.url == typed
    assert address.shown == shown
    assert address.has_secret
    assert "wo_rd" not in repr(address)


_LABELS = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=12).map(
    lambda text: "c" + text
)


@given(
    st.sampled_from(["rtsp", "rtsps"]),
    st.one_of(
        st.lists(_LABELS, min_size=1, max_size=4).map(".".join),
        st.ip_addresses(v=4).map(str),
        st.ip_addresses(v=6).map(lambda ip: f"[{ip}]"),
    ),
    st.integers(1, 65535),
    st.text(st.characters(codec="utf-8"), max_size=40),
)
def test_writing_and_reading_give_the_same(scheme: str, host: str, port: int, path: str) -> None:
    try:
        first = parse_address(f"{scheme}://{host}:{port}/{path}").address
    except AppError:
        return
    again = parse_address(first.url)
    assert again.address == first
    assert again.username is None
    assert first.url.isascii()
    assert first.url.isprintable()


def _has_no_port(found: TypedAddress) -> bool:
    """Of a bare host without one nothing is known yet."""
    return found.address.scheme == "" and not found.address.url.rpartition("]")[2].count(":")


@pytest.mark.parametrize(
    ("typed", "driver"),
    [
        ("rtsp://cam/x", "rtsp"),
        ("rtsps://cam/x", "rtsp"),
        ("http://cam/onvif/device_service", "onvif"),
        ("https://cam/ONVIF/device_service", "onvif"),
        ("onvif://cam", "onvif"),
        ("http://cam/video.mjpg", "mjpeg"),
        ("file:///srv/x.mp4", "file"),
        ("cam", None),
    ],
)
def test_the_kind_of_address_names_the_driver(typed: str, driver: str | None) -> None:
    assert parse_address(typed).address.driver == driver


def test_a_bare_host_may_bring_its_password() -> None:
    found = parse_address("admin:open-sesame@192.168.1.20:8000")
    assert found.address.url == "192.168.1.20:8000"
    assert found.password is not None
    assert found.password.reveal() == "open-sesame"
    assert "open-sesame" not in repr(found)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    for typed in (text, "rtsp://" + text, "rtsp://cam:" + text):
        try:
            found = parse_address(typed)
        except AppError as error:
            kind = error.kind
        else:
            kind = ErrorKind.INVALID
            assert found.address.scheme in {"rtsp", "rtsps", "http", "https", "file", ""}
            assert (found.address.port == 0) == (found.address.url.startswith("file:") or _has_no_port(found))
            assert 0 <= found.address.port <= 65535
        assert kind is ErrorKind.INVALID
