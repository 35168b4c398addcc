"""Each way of not reaching a device by address alone, in plain words with what to try. Pure."""

from civiscope.devices.equipment import Trouble, TroubleError, TroubleReport


def address_trouble(advice: str) -> TroubleError:
    """What was typed is no address of the driver's kind."""
    return _trouble(Trouble.ADDRESS, "The address cannot be read.", advice)


def gate_trouble(words: str) -> TroubleError:
    """The gate's own words, which say what to do."""
    return _trouble(Trouble.GATE, words, "")


def unreachable(host: str) -> TroubleError:
    """Nobody answers at that address, or the name is unknown."""
    return _trouble(
        Trouble.UNREACHABLE,
        f"{host} does not answer: nobody is there, or the way to it is blocked.",
        "Check power, cable and network, and whether the address is right.",
    )


def unknown_name(host: str) -> TroubleError:
    """The name has no IP address."""
    return _trouble(
        Trouble.UNREACHABLE,
        f"The name {host} is known to no name server.",
        "Check it for typing errors, or type the camera's IP address.",
    )


def nothing_listens(host: str, port: int) -> TroubleError:
    """Somebody is there, and the port is closed."""
    return _trouble(
        Trouble.REFUSED,
        f"{host} is there, but nothing listens on port {port}.",
        "Check the port in the camera's own menu, and that its stream is switched on.",
    )


def wrong_certificate(host: str, fingerprint: str | None, was_pinned: bool) -> TroubleError:
    """Nobody vouches for it, or it is another than the one pinned."""
    words = (
        f"{host} shows another certificate than the one pinned: it was replaced or reset, or somebody is in "
        "between."
        if was_pinned
        else f"{host} shows a certificate that nobody known vouches for."
    )
    advice = "Compare the fingerprint with the one in the camera's own menu, then pin it."
    return TroubleError(TroubleReport(Trouble.CERTIFICATE, words, advice, fingerprint))


def no_tls(host: str, port: int, plain: str) -> TroubleError:
    """The handshake failed before any certificate was shown."""
    return _trouble(
        Trouble.CERTIFICATE,
        f"{host} does not speak encryption (TLS) on port {port}.",
        f"Check the port, or type the address with {plain}://.",
    )


def silent(host: str) -> TroubleError:
    """It took the connection and says nothing."""
    return _trouble(
        Trouble.TIMEOUT,
        f"{host} took the connection, but did not answer in time.",
        "Try again; if it stays so, restart the camera.",
    )


def login_refused(host: str, words: str) -> TroubleError:
    """Name or password are missing or wrong; `words` is what the device wanted."""
    return _trouble(
        Trouble.AUTHENTICATION,
        f"{host}: {words}",
        "Type the user name and password of the camera's own menu; many cameras keep several kinds of users.",
    )


def not_a_camera(host: str, port: int, speech: str) -> TroubleError:
    """Something else listens there; `speech` is what was expected, like RTSP."""
    return _trouble(
        Trouble.NOT_A_CAMERA,
        f"What answers at {host}, port {port}, does not speak {speech}.",
        "Check address and port: it may be another machine, or another service of the camera.",
    )


def no_stream(
    words: str, advice: str = "Look in the camera's own menu for its stream's path."
) -> TroubleError:
    """The device answers, but not with a stream."""
    return _trouble(Trouble.STREAM, words, advice)


def unread_codec(words: str) -> TroubleError:
    """Its stream is coded in a way that is not read here."""
    return _trouble(
        Trouble.CODEC, words, "Set the stream to H.264, H.265 or Motion JPEG in the camera's own menu."
    )


def _trouble(kind: Trouble, words: str, advice: str) -> TroubleError:
    return TroubleError(TroubleReport(kind, words, advice))
