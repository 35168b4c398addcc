"""The headers of every answer: what a browser may do with our pages.

No Strict-Transport-Security: it binds a host name on all its ports, so it would break other services beside
us (`localhost` above all), and guards little here: the port speaks TLS only, the cookie is `__Host-`, Secure.
"""

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "object-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    )
)

_PERMISSIONS = ("accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer")
_MORE_PERMISSIONS = ("microphone", "midi", "payment", "serial", "usb", "bluetooth", "hid")

SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = tuple(
    (name.encode(), value.encode())
    for name, value in (
        ("content-security-policy", CONTENT_SECURITY_POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", ", ".join(f"{name}=()" for name in _PERMISSIONS + _MORE_PERMISSIONS)),
    )
)
"""On every answer, errors and static files included (OWASP Secure Headers Project)."""
