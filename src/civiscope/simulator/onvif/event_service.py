"""Notifications by pull points (ONVIF Core §9.2): subscribe, pull, renew, end."""

from civiscope.simulator.onvif.calls import Call, Operation, Service, duration_us, life_us, number, truth
from civiscope.simulator.onvif.login import Access, write_time
from civiscope.simulator.onvif.pull_point import CONCRETE, PullPoint, TopicFilter
from civiscope.simulator.onvif.soap import Node, invalid, node

_DEFAULT_LIFE_US = 60_000_000
_LONGEST_WAIT_S = 60.0
_MOST_MESSAGES = 100
_TOPIC_SETS = "http://www.onvif.org/ver10/tev/topicExpression"


def _times(call: Call, point: PullPoint, prefix: str) -> tuple[Node, Node]:
    """Now and the end, by the device's own clock."""
    left_us = point.ends_us - call.device.monotonic_us()
    now_us = call.device.now_us()
    return (
        node(f"{prefix}:CurrentTime", write_time(now_us)),
        node(f"{prefix}:TerminationTime", write_time(now_us + left_us)),
    )


def _subscribe(call: Call) -> Node:
    expression = call.text("tev:Filter", "wsnt:TopicExpression")
    wanted = TopicFilter(expression) if expression else None
    device = call.device
    asked = life_us(call.text("tev:InitialTerminationTime"), device.now_us(), _DEFAULT_LIFE_US)
    name, point = device.board.open(wanted, device.monotonic_us(), asked)
    device.board.tell_state(point, write_time(device.now_us()))
    device.tell_captured(point)
    address = node("wsa:Address", call.service(f"subscription/{name}"))
    return node(
        "tev:CreatePullPointSubscriptionResponse",
        node("tev:SubscriptionReference", address),
        *_times(call, point, "wsnt"),
    )


async def _pull(call: Call) -> Node:
    device = call.device
    point = device.board.find(call.subscription, device.monotonic_us())
    point.pulls += 1
    if 0 < device.faults.pull_point_dies_after < point.pulls:
        device.board.close(call.subscription)
        point = device.board.find(call.subscription, device.monotonic_us())
    wait_us = duration_us(call.text("tev:Timeout") or "PT0S")
    if wait_us is None or wait_us < 0:
        raise invalid("the time-out cannot be read", "ter:InvalidArgs")
    limit = int(number(call.text("tev:MessageLimit") or "1", "MessageLimit"))
    if limit < 1:
        raise invalid("the limit is at least 1", "ter:InvalidArgs")
    wait_s = min(wait_us / 1_000_000, _LONGEST_WAIT_S)
    device.board.renew(point, device.monotonic_us(), max(point.life_us, int(wait_s * 1_000_000) + 1_000_000))
    notices = await point.take(min(limit, _MOST_MESSAGES), wait_s)
    if point.is_gone:
        device.board.find(call.subscription, device.monotonic_us())
    return node(
        "tev:PullMessagesResponse", *_times(call, point, "tev"), *(notice.content for notice in notices)
    )


def _renew(call: Call) -> Node:
    device = call.device
    point = device.board.find(call.subscription, device.monotonic_us())
    asked = life_us(call.text("wsnt:TerminationTime"), device.now_us(), _DEFAULT_LIFE_US)
    device.board.renew(point, device.monotonic_us(), asked)
    now, end = _times(call, point, "wsnt")
    return node("wsnt:RenewResponse", end, now)


def _unsubscribe(call: Call) -> Node:
    call.device.board.find(call.subscription, call.device.monotonic_us())
    call.device.board.close(call.subscription)
    return node("wsnt:UnsubscribeResponse")


def _synchronise(call: Call) -> Node:
    point = call.device.board.find(call.subscription, call.device.monotonic_us())
    call.device.board.tell_state(point, write_time(call.device.now_us()))
    return node("tev:SetSynchronizationPointResponse")


def _description(is_property: bool, source: tuple[str, str], data: tuple[str, str]) -> Node:
    def item(name: str, field: tuple[str, str]) -> Node:
        return node(name, node("tt:SimpleItemDescription", Name=field[0], Type=field[1]))

    inner = (item("tt:Source", source), item("tt:Data", data))
    return node("tt:MessageDescription", *inner, IsProperty=truth(is_property))


def _topic(name: str, *inner: Node) -> Node:
    is_leaf = inner[0].name == "tt:MessageDescription"
    return Node(name, (("wstop:topic", "true"),) if is_leaf else (), inner)


def _properties(_: Call) -> Node:
    token, flag = "tt:ReferenceToken", "xsd:boolean"
    motion = _description(True, ("Source", token), ("State", flag))
    cell = _description(True, ("VideoSourceConfigurationToken", token), ("IsMotion", flag))
    line = _description(False, ("VideoSourceConfigurationToken", token), ("ObjectId", "xsd:integer"))
    tamper = _description(True, ("Source", token), ("State", flag))
    topics = node(
        "wstop:TopicSet",
        _topic(
            "tns1:VideoSource",
            _topic("MotionAlarm", motion),
            _topic("GlobalSceneChange", _topic("ImagingService", tamper)),
        ),
        _topic(
            "tns1:RuleEngine",
            _topic("CellMotionDetector", _topic("Motion", cell)),
            _topic("LineDetector", _topic("Crossed", line)),
        ),
    )
    return node(
        "tev:GetEventPropertiesResponse",
        node("tev:TopicNamespaceLocation", "http://www.onvif.org/onvif/ver10/topics/topicns.xml"),
        node("wsnt:FixedTopicSet", "true"),
        topics,
        node("wsnt:TopicExpressionDialect", CONCRETE),
        node("wsnt:TopicExpressionDialect", "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete"),
        node(
            "tev:MessageContentFilterDialect",
            f"{_TOPIC_SETS.rpartition('/')[0]}/messageContentFilter/ItemFilter",
        ),
        node("tev:MessageContentSchemaLocation", "http://www.onvif.org/onvif/ver10/schema/onvif.xsd"),
    )


def _service_capabilities(_: Call) -> Node:
    inner = node(
        "tev:Capabilities",
        WSPullPointSupport="true",
        WSSubscriptionPolicySupport="false",
        MaxPullPoints="10",
        PersistentNotificationStorage="false",
    )
    return node("tev:GetServiceCapabilitiesResponse", inner)


EVENT_SERVICE: Service = {
    "GetServiceCapabilities": Operation(Access.PRE_AUTH, _service_capabilities),
    "GetEventProperties": Operation(Access.READ_MEDIA, _properties),
    "CreatePullPointSubscription": Operation(Access.READ_MEDIA, _subscribe),
}
SUBSCRIPTION: Service = {
    "PullMessages": Operation(Access.READ_MEDIA, _pull),
    "Renew": Operation(Access.READ_MEDIA, _renew),
    "Unsubscribe": Operation(Access.READ_MEDIA, _unsubscribe),
    "SetSynchronizationPoint": Operation(Access.READ_MEDIA, _synchronise),
}
"""Asked at the address that CreatePullPointSubscription gave."""
