"""Device management (ONVIF Core §8): who it is, its clock, its users, where its services are."""

from calendar import monthrange
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote
from xml.etree.ElementTree import Element

from civiscope.media.wire import Credentials
from civiscope.simulator.onvif.calls import Call, Operation, Service, truth
from civiscope.simulator.onvif.login import Access, DeviceUser, UserLevel
from civiscope.simulator.onvif.soap import NAMESPACES, Node, SoapFault, invalid, node, qualified

_USERS_LIMIT = 20
_NAME_LIMIT = 64


def scopes(device_name: str, hardware: str, places: tuple[str, ...], has_ptz: bool) -> list[str]:
    """What discovery and GetScopes tell (ONVIF Core §7.3.2.2)."""
    base = "onvif://www.onvif.org"
    found = [f"{base}/type/video_encoder", f"{base}/Profile/Streaming", f"{base}/Profile/T"]
    if has_ptz:
        found.append(f"{base}/type/ptz")
    found += [f"{base}/name/{quote(device_name, safe='')}", f"{base}/hardware/{quote(hardware, safe='')}"]
    return found + [f"{base}/location/{quote(place, safe='/')}" for place in places]


def service_names(call: Call) -> list[tuple[str, str, tuple[int, int]]]:
    """Prefix, path and version of what this device offers."""
    traits = call.device.traits
    found = [("tds", "device_service", (2, 60)), ("trt", "media_service", (2, 60))]
    if traits.has_media2:
        found.append(("tr2", "media2_service", (2, 0)))
    if traits.has_imaging:
        found.append(("timg", "imaging_service", (2, 60)))
    if traits.has_ptz:
        found.append(("tptz", "ptz_service", (2, 60)))
    if traits.has_events:
        found.append(("tev", "events_service", (2, 60)))
    return found


# -- who and where


def _information(call: Call) -> Node:
    traits = call.device.traits
    told = (
        ("Manufacturer", traits.maker), ("Model", traits.model), ("FirmwareVersion", traits.firmware),
        ("SerialNumber", call.device.serial), ("HardwareId", traits.hardware),
    )  # fmt: skip
    return node("tds:GetDeviceInformationResponse", *(node(f"tds:{name}", value) for name, value in told))


def _services(call: Call) -> Node:
    told = []
    for prefix, path, (major, minor) in service_names(call):
        version = node("tds:Version", node("tt:Major", str(major)), node("tt:Minor", str(minor)))
        told.append(
            node(
                "tds:Service",
                node("tds:Namespace", NAMESPACES[prefix]),
                node("tds:XAddr", call.service(path)),
                version,
            )
        )
    return node("tds:GetServicesResponse", *told)


def _capabilities(call: Call) -> Node:
    wanted = {one.text for one in call.body.iter(qualified("tds:Category"))} or {"All"}
    known = {"All", "Analytics", "Device", "Events", "Imaging", "Media", "PTZ"}
    if not wanted <= known:
        raise SoapFault("no such category of capabilities", "ter:ActionNotSupported", "ter:NoSuchService")
    traits = call.device.traits
    streaming = node(
        "tt:StreamingCapabilities",
        node("tt:RTPMulticast", "false"),
        node("tt:RTP_TCP", "true"),
        node("tt:RTP_RTSP_TCP", "true"),
    )
    pull = [
        node(f"tt:{name}", truth(flag))
        for name, flag in (
            ("WSSubscriptionPolicySupport", False),
            ("WSPullPointSupport", True),
            ("WSPausableSubscriptionManagerInterfaceSupport", False),
        )
    ]
    told = (
        ("Device", True, "device_service", ()),
        ("Events", traits.has_events, "events_service", pull),
        ("Imaging", traits.has_imaging, "imaging_service", ()),
        ("Media", True, "media_service", (streaming,)),
        ("PTZ", traits.has_ptz, "ptz_service", ()),
    )
    found = [
        node(f"tt:{name}", node("tt:XAddr", call.service(path)), *more)
        for name, is_there, path, more in told
        if is_there and wanted & {"All", name}
    ]
    return node("tds:GetCapabilitiesResponse", node("tds:Capabilities", *found))


def _service_capabilities(_: Call) -> Node:
    security = node(
        "tds:Security", UsernameToken="true", HttpDigest="true", DefaultAccessPolicy="true",
        MaxUsers=str(_USERS_LIMIT), MaxUserNameLength=str(_NAME_LIMIT), MaxPasswordLength=str(_NAME_LIMIT),
    )  # fmt: skip
    system = node("tds:System", DiscoveryResolve="true", DiscoveryBye="true")
    inner = node("tds:Capabilities", node("tds:Network", NTP="1"), security, system)
    return node("tds:GetServiceCapabilitiesResponse", inner)


def _scopes(call: Call) -> Node:
    traits = call.device.traits
    told = scopes(call.device.name, traits.hardware, traits.places, traits.has_ptz)
    items = [node("tds:Scopes", node("tt:ScopeDef", "Fixed"), node("tt:ScopeItem", scope)) for scope in told]
    return node("tds:GetScopesResponse", *items)


def _endpoint(call: Call) -> Node:
    return node("tds:GetEndpointReferenceResponse", node("tds:GUID", f"urn:uuid:{call.device.endpoint}"))


def _hostname(call: Call) -> Node:
    inner = node(
        "tds:HostnameInformation", node("tt:FromDHCP", "false"), node("tt:Name", call.device.hostname)
    )
    return node("tds:GetHostnameResponse", inner)


def _set_hostname(call: Call) -> Node:
    name = call.text("tds:Name")
    if not 0 < len(name) < _NAME_LIMIT or not all(c.isascii() and (c.isalnum() or c in ".-") for c in name):
        raise invalid("this is no host name", "ter:InvalidHostname")
    call.device.hostname = name
    return node("tds:SetHostnameResponse")


def _interfaces(call: Call) -> Node:
    mac = call.device.endpoint.hex[:10]
    address = "02:" + ":".join(mac[at : at + 2] for at in range(0, 10, 2))
    version = "IPv6" if ":" in call.place.host else "IPv4"
    length = "128" if version == "IPv6" else "32"
    manual = node("tt:Manual", node("tt:Address", call.place.host), node("tt:PrefixLength", length))
    config = node("tt:Config", manual, node("tt:DHCP", "false" if version == "IPv4" else "Off"))
    if version == "IPv6":
        config = node("tt:Config", node("tt:DHCP", "Off"), manual)
    inner = node(
        "tds:NetworkInterfaces",
        node("tt:Enabled", "true"),
        node("tt:Info", node("tt:Name", "eth0"), node("tt:HwAddress", address)),
        node(f"tt:{version}", node("tt:Enabled", "true"), config),
        token="eth0",  # noqa: S106  an ONVIF token, no secret
    )
    return node("tds:GetNetworkInterfacesResponse", inner)


def _discovery_mode(_: Call) -> Node:
    return node("tds:GetDiscoveryModeResponse", node("tds:DiscoveryMode", "Discoverable"))


def _reboot(call: Call) -> Node:
    call.device.start_anew()
    return node("tds:SystemRebootResponse", node("tds:Message", "Rebooting in 0 seconds"))


# -- clock


def _date_time(name: str, at: datetime) -> Node:
    time = (("Hour", at.hour), ("Minute", at.minute), ("Second", at.second))
    date = (("Year", at.year), ("Month", at.month), ("Day", at.day))
    return node(
        name,
        node("tt:Time", *(node(f"tt:{key}", str(value)) for key, value in time)),
        node("tt:Date", *(node(f"tt:{key}", str(value)) for key, value in date)),
    )


def _system_time(call: Call) -> Node:
    now = datetime.fromtimestamp(call.device.now_us() // 1_000_000, UTC)
    inner = node(
        "tds:SystemDateAndTime",
        node("tt:DateTimeType", "NTP" if call.device.is_ntp_used else "Manual"),
        node("tt:DaylightSavings", "false"),
        node("tt:TimeZone", node("tt:TZ", "UTC0")),
        _date_time("tt:UTCDateTime", now),
        _date_time("tt:LocalDateTime", now),
    )
    return node("tds:GetSystemDateAndTimeResponse", inner)


def _set_system_time(call: Call) -> Node:
    device, kind = call.device, call.text("tds:DateTimeType")
    if kind == "NTP":
        if not device.ntp_server:
            raise invalid("no NTP server is set", "ter:NtpServerUndefined")
        device.is_ntp_used, device.clock_offset_us = True, 0
        return node("tds:SetSystemDateAndTimeResponse")
    if kind != "Manual":
        raise invalid("the clock is set Manual or by NTP", "ter:InvalidDateTime")
    parts = [
        call.text("tds:UTCDateTime", f"tt:{group}", f"tt:{name}")
        for group, names in (("Date", ("Year", "Month", "Day")), ("Time", ("Hour", "Minute", "Second")))
        for name in names
    ]
    wanted = _moment(parts)
    device.clock_offset_us = int(wanted.timestamp()) * 1_000_000 - device.clock.now_us()
    device.is_ntp_used = False
    return node("tds:SetSystemDateAndTimeResponse")


def _moment(parts: list[str]) -> datetime:
    if not all(part.isascii() and part.isdecimal() and len(part) <= 4 for part in parts):
        raise invalid("this is no time", "ter:InvalidDateTime")
    year, month, day, hour, minute, second = (int(part) for part in parts)
    is_date = 1970 <= year <= 9999 and 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]
    if not is_date or hour > 23 or minute > 59 or second > 61:
        raise invalid("this is no time", "ter:InvalidDateTime")
    return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)


def _ntp(call: Call) -> Node:
    server = call.device.ntp_server
    manual = node("tt:NTPManual", node("tt:Type", _kind(server)), node(f"tt:{_field(server)}", server))
    inner = node("tds:NTPInformation", node("tt:FromDHCP", "false"), manual if server else None)
    return node("tds:GetNTPResponse", inner)


def _set_ntp(call: Call) -> Node:
    found = [call.text("tds:NTPManual", f"tt:{name}") for name in ("IPv4Address", "IPv6Address", "DNSname")]
    server = next((one for one in found if one), "")
    if call.text("tds:FromDHCP") == "false" and not server:
        raise invalid("a server is missing", "ter:InvalidDnsName")
    call.device.ntp_server = server
    return node("tds:SetNTPResponse")


def _kind(server: str) -> str:
    if ":" in server:
        return "IPv6"
    return "IPv4" if all(part.isdecimal() for part in server.split(".")) else "DNS"


def _field(server: str) -> str:
    return {"IPv4": "IPv4Address", "IPv6": "IPv6Address", "DNS": "DNSname"}[_kind(server)]


# -- users


def _users(call: Call) -> Node:
    told = [
        node("tds:User", node("tt:Username", one.credentials.username), node("tt:UserLevel", one.level.value))
        for one in call.device.accounts
    ]
    return node("tds:GetUsersResponse", *told)


def _user_of(element: Element) -> DeviceUser:
    name = (element.findtext(qualified("tt:Username")) or "").strip()
    password = (element.findtext(qualified("tt:Password")) or "").strip()
    level = (element.findtext(qualified("tt:UserLevel")) or "").strip()
    if not name:
        raise SoapFault("a user needs a name", "ter:OperationProhibited", "ter:UsernameTooShort")
    if len(name) > _NAME_LIMIT:
        raise SoapFault("the name is too long", "ter:OperationProhibited", "ter:UsernameTooLong")
    if len(password) > _NAME_LIMIT:
        raise SoapFault("the password is too long", "ter:OperationProhibited", "ter:PasswordTooLong")
    if level not in set(UserLevel):
        raise SoapFault("users are not anonymous", "ter:OperationProhibited", "ter:AnonymousNotAllowed")
    return DeviceUser(Credentials(name, password), UserLevel(level))


def _named(call: Call, name: str) -> DeviceUser:
    found = next((one for one in call.device.accounts if one.credentials.username == name), None)
    if found is None:
        raise invalid("there is no such user", "ter:UsernameMissing")
    return found


def _create_users(call: Call) -> Node:
    new = [_user_of(element) for element in call.body.iter(qualified("tds:User"))]
    names = [one.credentials.username for one in (*call.device.accounts, *new)]
    if len(set(names)) != len(names):
        raise SoapFault("the name is taken", "ter:OperationProhibited", "ter:UsernameClash")
    if any(not one.credentials.password for one in new):
        raise SoapFault("the password is too weak", "ter:OperationProhibited", "ter:PasswordTooWeak")
    if len(names) > _USERS_LIMIT:
        raise SoapFault("the device keeps no more users", "ter:Action", "ter:TooManyUsers", is_ours=True)
    call.device.replace_users([*call.device.accounts, *new])
    return node("tds:CreateUsersResponse")


def _set_users(call: Call) -> Node:
    changed = {}
    for element in call.body.iter(qualified("tds:User")):
        wish = _user_of(element)
        old = _named(call, wish.credentials.username)
        changed[wish.credentials.username] = (
            wish if wish.credentials.password else replace(wish, credentials=old.credentials)
        )
    call.device.replace_users([changed.get(one.credentials.username, one) for one in call.device.accounts])
    return node("tds:SetUserResponse")


def _delete_users(call: Call) -> Node:
    names = {(one.text or "").strip() for one in call.body.iter(qualified("tds:Username"))}
    for name in names:
        _named(call, name)
    left = [one for one in call.device.accounts if one.credentials.username not in names]
    if not any(one.level is UserLevel.ADMINISTRATOR for one in left):
        raise SoapFault("the last administrator stays", "ter:OperationProhibited", "ter:FixedUser")
    call.device.replace_users(left)
    return node("tds:DeleteUsersResponse")


DEVICE_SERVICE: Service = {
    "GetDeviceInformation": Operation(Access.READ_SYSTEM, _information),
    "GetServices": Operation(Access.PRE_AUTH, _services),
    "GetCapabilities": Operation(Access.PRE_AUTH, _capabilities),
    "GetServiceCapabilities": Operation(Access.PRE_AUTH, _service_capabilities),
    "GetScopes": Operation(Access.READ_SYSTEM, _scopes),
    "GetEndpointReference": Operation(Access.PRE_AUTH, _endpoint),
    "GetHostname": Operation(Access.PRE_AUTH, _hostname),
    "SetHostname": Operation(Access.WRITE_SYSTEM, _set_hostname),
    "GetNetworkInterfaces": Operation(Access.READ_SYSTEM, _interfaces),
    "GetDiscoveryMode": Operation(Access.READ_SYSTEM, _discovery_mode),
    "GetSystemDateAndTime": Operation(Access.PRE_AUTH, _system_time),
    "SetSystemDateAndTime": Operation(Access.WRITE_SYSTEM, _set_system_time),
    "GetNTP": Operation(Access.READ_SYSTEM, _ntp),
    "SetNTP": Operation(Access.WRITE_SYSTEM, _set_ntp),
    "GetUsers": Operation(Access.READ_SYSTEM_SECRET, _users),
    "CreateUsers": Operation(Access.WRITE_SYSTEM, _create_users),
    "SetUser": Operation(Access.WRITE_SYSTEM, _set_users),
    "DeleteUsers": Operation(Access.WRITE_SYSTEM, _delete_users),
    "SystemReboot": Operation(Access.UNRECOVERABLE, _reboot),
}
