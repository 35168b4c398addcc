"""Answers as bytes: captures of real devices read as they are meant, odd ones forgiven, any bytes bounded."""

import datetime
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import ProtocolError
from civiscope.devices.drivers.onvif.answers import (
    Encoder,
    Fault,
    Profile,
    number,
    read_answer,
    read_capabilities,
    read_clock_us,
    read_encoder,
    read_identity,
    read_profiles,
    read_scopes,
    read_services,
    read_uri,
    short,
    without_user_info,
)
from civiscope.devices.drivers.onvif.choice import lenses, offered
from civiscope.devices.drivers.onvif.encoder import edited, encoder_drift, fitted, plainer
from civiscope.devices.drivers.onvif.events import parse_notifications, plain_topic
from civiscope.devices.drivers.onvif.options import read_options
from civiscope.devices.drivers.onvif.ptz import read_status
from civiscope.devices.drivers.onvif.xml_tree import Node, parse_xml, write_xml
from civiscope.devices.equipment import EncoderWish, Notification

ARRIVAL_US = 1_700_000_000_000_000
_WORDS = st.sampled_from(
    ["Envelope", "Body", "Fault", "Code", "Value", "Profiles", "Configurations", "VideoSource",
     "VideoEncoder", "VideoEncoderConfiguration", "VideoSourceConfiguration", "SourceToken", "Encoding",
     "Resolution", "Width",
     "Height", "RateControl", "FrameRateLimit", "BitrateLimit", "H264", "GovLength", "Options", "Min", "Max",
     "FrameRateRange", "ResolutionsAvailable", "SystemDateAndTime", "UTCDateTime", "Date", "Year", "Service",
     "NotificationMessage", "Message", "Topic", "Source", "Data", "SimpleItem", "PTZStatus", "Position",
     "PanTilt", "Zoom", "MediaUri", "Uri", "Namespace", "XAddr"]
)  # fmt: skip
_VALUES = st.one_of(
    st.sampled_from(
        ["", "-1", "1e999", "nan", "9" * 400, "true", "H264", "2026", "http://[", "rtsp://a:b@c/"]
    ),
    st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=8),
)
_ANSWERS = st.recursive(
    st.builds(
        Node, _WORDS, st.just(""),
        st.dictionaries(
            st.sampled_from(["token", "GovLength", "UtcTime", "Name", "Value", "x", "FrameRatesSupported"]),
            _VALUES,
            max_size=3,
        ).map(lambda found: tuple(found.items())),
        _VALUES,
    ),
    lambda inner: st.builds(
        Node, _WORDS, st.just(""), st.just((("token", "t"),)), _VALUES, st.lists(inner, max_size=5).map(tuple)
    ),
    max_leaves=25,
)  # fmt: skip


@given(st.binary(max_size=200))
def test_any_bytes_are_an_answer_or_refused(data: bytes) -> None:
    for parse in (read_answer, lambda data: parse_notifications(data, ARRIVAL_US)):
        with suppress(ProtocolError):
            parse(data)


@given(_ANSWERS)
def test_every_reader_takes_every_tree(node: Node) -> None:
    read_clock_us(node)
    read_identity(node, "")
    assert all(len(url) <= 2048 for url in read_services(node).values())
    read_capabilities(node)
    assert "@" not in read_uri(node).partition("?")[0]
    read_options(node)
    read_status(node, node)
    for profile in read_profiles(node):
        assert profile.token
        assert profile.source_token
    for lens in lenses(read_profiles(node)):
        offered(lens, {profile.token: "rtsp://10.0.0.1/" for profile in lens.profiles})
    encoder = read_encoder(node, True)
    encoder_drift(EncoderWish(), encoder, 0, "sub")
    setting = fitted(EncoderWish(), read_options(node), encoder)
    assert parse_xml(write_xml(edited(encoder, plainer(setting, encoder))).encode())
    for notification in parse_notifications(write_xml(node).encode(), ARRIVAL_US):
        assert len(notification.data) <= 64


def test_captured_stream_and_snapshot_addresses(shared_data: Path) -> None:
    found = {
        path.name[:2]: read_uri(_answer(path))
        for path in sorted((shared_data / "onvif" / "soap").glob("0[1-7]*"))
    }
    assert found == {
        "01": "rtsp://192.168.1.123:554/cam/realmonitor?channel=1&subtype=1&unicast=true&proto=Onvif",
        "02": "http://192.168.1.123/onvifsnapshot/media_service/snapshot?channel=1&subtype=1",
        "06": "rtsp://192.168.1.123:8554/rtsp-dahua1",
        "07": "rtsp://192.168.1.123:8554/rtsp-dahua2",
    }


def test_captured_capabilities(shared_data: Path) -> None:
    found = read_capabilities(_answer(next((shared_data / "onvif" / "soap").glob("08*"))))
    assert found == {
        "http://www.onvif.org/ver10/device/wsdl": "http://192.168.1.123/onvif/device_service",
        "http://www.onvif.org/ver10/media/wsdl": "http://192.168.1.123/onvif/media_service",
        "http://www.onvif.org/ver10/events/wsdl": "http://192.168.1.123/onvif/event_service",
        "http://www.onvif.org/ver20/imaging/wsdl": "http://192.168.1.123/onvif/imaging_service",
    }


def _answer(path: Path) -> Node:
    answer = read_answer(path.read_bytes())
    assert isinstance(answer, Node)
    return answer


def test_captured_notifications_say_what_was_told(shared_data: Path) -> None:
    paths = sorted((shared_data / "onvif" / "events").glob("*.xml"))
    assert len(paths) >= 11
    for path in paths:
        (found,) = parse_notifications(path.read_bytes(), ARRIVAL_US)
        assert found == _told(json.loads(path.with_suffix(".json").read_text())), path.name


def _told(capture: dict[str, Any]) -> Notification:
    """What another reader made of the same notification."""
    said = capture["Message"]["_value_1"]
    utc = said.get("UtcTime")
    moment = datetime.datetime.fromisoformat(utc) if utc else None
    return Notification(
        at_us=int(moment.timestamp()) * 1_000_000 if moment else ARRIVAL_US,
        topic=capture["Topic"]["_value_1"].replace("tns1:", ""),
        operation=said.get("PropertyOperation") or "",
        source=_told_items(said.get("Source")),
        data=_told_items(said.get("Data")),
    )


def _told_items(part: dict[str, Any] | None) -> tuple[tuple[str, str], ...]:
    return tuple((item["Name"], item["Value"]) for item in (part or {}).get("SimpleItem", []))


def test_notifications_are_bounded() -> None:
    items = "".join(f'<SimpleItem Name="n{n}" Value="{"v" * 999}"/>' for n in range(200))
    one = f"<NotificationMessage><Topic>{'t' * 999}</Topic>"
    one += f"<Message><Message><Data>{items}</Data></Message></Message>"
    data = f"<PullMessagesResponse>{(one + '</NotificationMessage>') * 3}</PullMessagesResponse>"
    found = parse_notifications(data.encode(), ARRIVAL_US)
    assert len(found) == 3
    assert len(found[0].topic) == 256
    assert (len(found[0].data), len(found[0].data[0][1])) == (64, 256)
    many = "<a>" + "<NotificationMessage/>" * 5_000 + "</a>"
    assert len(parse_notifications(many.encode(), ARRIVAL_US)) == 256


@pytest.mark.parametrize(
    ("text", "topic"),
    [("tns1:RuleEngine/tnsaxis:Loitering", "RuleEngine/Loitering"), ("", ""), (" tns1:A/B ", "A/B")],
)
def test_topics_lose_their_prefixes(text: str, topic: str) -> None:
    assert plain_topic(text) == topic


@pytest.mark.parametrize(
    ("utc", "at_us"),
    [
        ("2026-01-02T03:04:05Z", 1_767_323_045_000_000),
        ("2026-01-02T03:04:05", 1_767_323_045_000_000),
        ("2026-01-02T03:04:05.25+01:00", 1_767_319_445_250_000),
        ("0001-01-01T00:00:00+23:59", -62_135_683_140_000_000),
        ("None", ARRIVAL_US),
        ("2026-13-45T99:99:99Z", ARRIVAL_US),
        ("", ARRIVAL_US),
    ],
)
def test_moments(utc: str, at_us: int) -> None:
    data = f'<NotificationMessage><Message><Message UtcTime="{utc}"/></Message></NotificationMessage>'
    assert parse_notifications(data.encode(), ARRIVAL_US)[0].at_us == at_us


@pytest.mark.parametrize(
    "fault",
    [
        "<Code><Value>s:Sender</Value><Subcode><Value>ter:NotAuthorized</Value></Subcode></Code>",
        "<Code><Value>s:Sender</Value></Code><Reason><Text>Sender not Authorized</Text></Reason>",
        "<faultcode>SOAP-ENV:Client</faultcode><faultstring>Authentication failed</faultstring>",
        "<Code><Value>wsse:FailedAuthentication</Value></Code>",
    ],
)
def test_refused_logins_are_known_in_every_dialect(fault: str) -> None:
    found = read_answer(f"<Envelope><Body><Fault>{fault}</Fault></Body></Envelope>".encode())
    assert isinstance(found, Fault)
    assert found.is_authentication


def test_a_clock_that_is_no_date_is_none() -> None:
    for year in ("2026", "0", "99999", "1e5", ""):
        day = f"<Date><Year>{year}</Year><Month>2</Month><Day>30</Day></Date><Time/>"
        told = f"<a><SystemDateAndTime><UTCDateTime>{day}</UTCDateTime></SystemDateAndTime></a>"
        assert read_clock_us(parse_xml(told.encode())) is None


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("rtsp://admin:p%40ss@10.0.0.1:554/a?b=c", "rtsp://10.0.0.1:554/a?b=c"),
        ("rtsp://admin:p@ss@10.0.0.1/", "rtsp://10.0.0.1/"),
        ("http://[fd00::1]:80/x", "http://[fd00::1]:80/x"),
        ("rtsp://10.0.0.1:0/", ""),
        ("rtsp://10.0.0.1:70000/", ""),
        ("rtsp://10.0.0.1/a b", ""),
        ("rtsp://10.0.0.1/\r\nX: y", ""),
        ("not an address", ""),
        ("rtsp://" + "a" * 3_000, ""),
        ("http://[::1/", ""),
        ("", ""),
    ],
)
def test_user_info_is_taken_out_of_addresses(url: str, plain: str) -> None:
    assert without_user_info(url) == plain


def test_scopes_and_words() -> None:
    found = read_scopes(
        ["onvif://www.onvif.org/name/A%20B", "ONVIF://WWW.onvif.org/Name/C", "junk", "onvif://x/y/z"]
    )
    assert found == {"name": "A B"}
    assert short("a\x00\n b\u202e" + "c" * 999)[:4] == "a bc"
    assert len(short("c" * 999)) == 256
    assert [number(text) for text in ("1.5", "inf", "nan", "1e400", "x", "9" * 40)] == [1.5] + [None] * 5


def _profile(token: str, size: tuple[int, int], source: str = "s", encoder: str = "") -> Profile:
    made = Encoder(
        encoder or f"e{token}", "h264", *size, 15.0, None, 15, None, Node("VideoEncoderConfiguration")
    )
    return Profile(token, token, source, "", "v", made, False, False)


def test_main_is_the_largest_and_sub_suits_analysis() -> None:
    sizes = {"a": (352, 240), "b": (1920, 1080), "c": (640, 480), "d": (1280, 720), "e": (176, 144)}
    (lens,) = lenses(_profile(token, size) for token, size in sizes.items())
    assert [profile.token for profile in lens.profiles] == ["b", "d", "c", "a", "e"]
    assert (lens.main, lens.sub) == (lens.profiles[0], lens.profiles[2])
    names = {
        stream.token: stream.profile for stream in offered(lens, dict.fromkeys(sizes, "rtsp://10.0.0.1/"))
    }
    assert names == {"b": "main", "c": "sub", "d": "d", "a": "a", "e": "e"}


def test_profiles_of_one_encoder_are_one_stream_and_lenses_keep_apart() -> None:
    profiles = [
        _profile("a", (1920, 1080), "left", "one"), _profile("b", (1920, 1080), "left", "one"),
        _profile("c", (640, 360), "right"), _profile("d", (300, 200), "right"),
    ]  # fmt: skip
    left, right = lenses(profiles)
    assert ([one.token for one in left.profiles], left.sub) == (["a"], None)
    assert ([one.token for one in right.profiles], right.sub) == (["c", "d"], None)


VERSION_10 = b"""<Configuration xmlns="http://www.onvif.org/ver10/schema" token="v1"><Name>n</Name>
<UseCount>2</UseCount><Encoding>JPEG</Encoding><Resolution><Width>1920</Width><Height>1080</Height></Resolution>
<Quality>4</Quality><Multicast><Port>0</Port></Multicast><SessionTimeout>PT60S</SessionTimeout></Configuration>"""


def test_a_configuration_without_rates_gets_them_in_the_order_of_the_schema() -> None:
    encoder = read_encoder(parse_xml(VERSION_10), False)
    assert (encoder.codec, encoder.is_constant_bitrate, encoder.fps) == ("mjpeg", None, 0.0)
    node = edited(encoder, fitted(EncoderWish(), (), encoder))
    assert [child.name for child in node.children] == [
        "Name", "UseCount", "Encoding", "Resolution", "Quality", "RateControl", "H264", "Multicast",
        "SessionTimeout",
    ]  # fmt: skip
    again = read_encoder(node, False)
    assert (again.codec, again.width_px, again.height_px) == ("h264", 640, 360)
    assert (again.fps, again.gop_frames) == (5.0, 10)
    assert encoder_drift(EncoderWish(), again, 0, "sub") == ()


VERSION_20 = b"""<Configurations xmlns="http://www.onvif.org/ver10/schema" token="v1" GovLength="50">
<Name>n</Name>
<UseCount>2</UseCount><Encoding>H265</Encoding><Resolution><Width>1920</Width><Height>1080</Height></Resolution>
<Quality>4</Quality><Vendor xmlns="urn:maker">kept</Vendor></Configurations>"""


def test_a_newer_configuration_gets_rates_before_quality_and_keeps_what_the_maker_added() -> None:
    encoder = read_encoder(parse_xml(VERSION_20), True)
    assert (encoder.codec, encoder.is_constant_bitrate, encoder.gop_frames) == ("h265", False, 50)
    node = edited(encoder, fitted(EncoderWish(is_variable_bitrate=False), (), encoder))
    names = ["Name", "UseCount", "Encoding", "Resolution", "RateControl", "Quality", "Vendor"]
    assert [child.name for child in node.children] == names
    assert node.find("Vendor") == Node("Vendor", "urn:maker", text="kept")
    again = read_encoder(node, True)
    assert encoder_drift(EncoderWish(is_variable_bitrate=False), again, 0, "sub") == ()


OPTIONS_10 = b"""<R><Options><QualityRange/><H264><ResolutionsAvailable><Width>640</Width><Height>480</Height>
</ResolutionsAvailable><ResolutionsAvailable><Width>320</Width><Height>180</Height></ResolutionsAvailable>
<GovLengthRange><Min>1</Min><Max>8</Max></GovLengthRange><FrameRateRange><Min>6</Min><Max>30</Max>
</FrameRateRange></H264></Options></R>"""


def test_the_nearest_of_what_is_offered_is_written() -> None:
    encoder = read_encoder(parse_xml(VERSION_10), False)
    options = read_options(parse_xml(OPTIONS_10))
    setting = fitted(EncoderWish(), options, encoder)
    assert (setting.width_px, setting.height_px, setting.fps, setting.gop_frames) == (640, 480, 6.0, 8)
    assert fitted(EncoderWish(codec="h265"), options, encoder).codec == "mjpeg", "what is not offered stays"
