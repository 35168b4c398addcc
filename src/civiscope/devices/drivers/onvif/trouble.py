"""Each way of not reaching an ONVIF device, in plain words with advice."""

from civiscope.devices.equipment import Trouble, TroubleError, TroubleReport

_WORDS: dict[Trouble, tuple[str, str]] = {
    Trouble.ADDRESS: (
        "The address is none of an ONVIF device.",
        "Type the camera's IP address, or its service address like http://192.168.1.20/onvif/device_service.",
    ),
    Trouble.UNREACHABLE: (
        "{host} does not answer: nobody is there, or the way to it is blocked.",
        "Check power, cable and network, and whether the address is right.",
    ),
    Trouble.REFUSED: (
        "{host} is there, but nothing listens on port {port}.",
        "Check the camera's HTTP port, and that ONVIF is switched on in its menu.",
    ),
    Trouble.AUTHENTICATION: (
        "{host} refused the user name or password.",
        "Type those of an ONVIF user: many cameras keep them apart from the users of their own web page.",
    ),
    Trouble.CERTIFICATE: (
        "{host} shows a certificate that is not the one expected, or that nobody known vouches for.",
        "Compare the fingerprint with the one in the camera's own menu, then pin it.",
    ),
    Trouble.NOT_A_CAMERA: (
        "What answers at {host}, port {port}, does not speak ONVIF.",
        "Check address and port, and that ONVIF is switched on in the camera's menu; some listen on 8080, "
        "8000, 2020 or 8899.",
    ),
    Trouble.STREAM: (
        "{host} speaks ONVIF but has no such stream or picture.",
        "Look at the camera's own page whether its streams are set up.",
    ),
    Trouble.TIMEOUT: (
        "{host} took the connection, but did not answer in time.",
        "Try again; if it stays so, restart the camera.",
    ),
}


def trouble(kind: Trouble, host: str, port: int, fingerprint: str | None = None) -> TroubleError:
    """The error of this kind for a device at this host."""
    words, advice = _WORDS[kind]
    return TroubleError(TroubleReport(kind, words.format(host=host, port=port), advice, fingerprint))


def gate_trouble(words: str) -> TroubleError:
    """The gate's own words, which say what to do."""
    return TroubleError(TroubleReport(Trouble.GATE, words, "", None))
