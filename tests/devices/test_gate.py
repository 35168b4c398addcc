"""The device gate: what it lets through, by address and never by name; whatever way an address is written."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import AppError, ErrorKind
from civiscope.devices import ANY_PORT, DeviceGate, GateRules

FRESH = DeviceGate()
OPEN = DeviceGate(GateRules(networks=("0.0.0.0/0", "::/0"), loopback_ports=(ANY_PORT,)))
ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "172.31.255.254", "192.168.1.20", "100.64.9.9", "169.254.7.7", "fd12::9", "fe80::1%eth0"],
)
def test_a_fresh_site_meets_private_networks(address: str) -> None:
    FRESH.check(address, 554)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "172.32.0.1", "192.169.0.1", "100.128.0.1", "2001:4860::1", "fec0::1", "::ffff:8.8.8.8"],
)
def test_a_fresh_site_meets_nobody_else(address: str) -> None:
    with pytest.raises(AppError, match="outside the networks") as caught:
        FRESH.check(address, 554)
    assert caught.value.kind is ErrorKind.INVALID


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254", "::ffff:169.254.169.254",
        "::169.254.169.254", "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::1", "168.63.129.16", "192.0.0.192",
        "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1",
        "224.0.0.1", "239.255.255.250", "ff02::c", "0.0.0.0", "::", "::ffff:0.0.0.0",
    ],
)  # fmt: skip
def test_no_setting_opens_what_is_no_device(address: str) -> None:
    for gate in (FRESH, OPEN):
        with pytest.raises(AppError, match="no device's address"):
            gate.check(address, 80)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"])
def test_this_machine_needs_leave_for_the_port(address: str) -> None:
    wide = DeviceGate(GateRules(networks=("0.0.0.0/0", "::/0")))
    named = DeviceGate(GateRules(networks=(), loopback_ports=(8554, 8555)))
    for gate in (FRESH, wide):
        with pytest.raises(AppError, match="this very machine"):
            gate.check(address, 8554)
    named.check(address, 8555)
    assert not named.allows(address, 8556)
    assert OPEN.allows(address, 1)


@pytest.mark.parametrize("text", ["camera.local", "", "10.0.0", "0x7f000001", "2130706433", "10.0.0.1/8"])
def test_what_is_no_address_is_refused(text: str) -> None:
    for gate in (FRESH, OPEN):
        with pytest.raises(AppError, match="no IP address"):
            gate.check(text, 80)


def test_rules_are_written_as_cidr() -> None:
    with pytest.raises(AppError, match="CIDR"):
        DeviceGate(GateRules(networks=("10.20.0.0-10.20.0.9",)))
    assert DeviceGate(GateRules(networks=("10.20.30.40/16",))).allows("10.20.1.1", 80)


@given(ADDRESSES, st.integers(0, 65535))
def test_an_empty_gate_lets_nobody_through(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int
) -> None:
    assert not DeviceGate(GateRules(networks=())).allows(str(address), port)


@given(st.ip_addresses(v=4), st.integers(1, 65535))
def test_mapped_addresses_are_judged_as_what_they_are(address: ipaddress.IPv4Address, port: int) -> None:
    """RFC 4291 §2.5.5.2: a socket of IPv6 reaches an IPv4 peer by it."""
    for gate in (FRESH, OPEN):
        assert gate.allows(str(address), port) is gate.allows(f"::ffff:{address}", port)


@given(ADDRESSES, st.integers(1, 65535))
def test_a_fresh_site_meets_no_public_address(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int
) -> None:
    assert not (FRESH.allows(str(address), port) and address.is_global)
