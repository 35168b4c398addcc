"""A text that must not be seen: passwords, tokens, codes."""

import hmac


class Secret:
    """Holds a secret text; `repr`, `str`, formats and errors never show it, and it does not pickle."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself; only where it is sent, checked or sealed."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        """Compares in a time that does not depend on where the texts differ."""
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(
            self._text.encode("utf-8", "replace"), other._text.encode("utf-8", "replace")
        )

    __hash__ = None  # type: ignore[assignment]  # a secret is no key of a mapping

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a secret does not leave its process by pickle: seal it with the vault")
