"""A face as data: the async methods of a Protocol with the types of their arguments and results."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_type_hints

import msgspec

from civiscope.base import AppError, ErrorKind, ProtocolError


@dataclass(frozen=True, slots=True)
class Method:
    """One method of a face; arguments travel by name, so a parameter with a default may be added later."""

    name: str
    signature: inspect.Signature
    arguments: msgspec.msgpack.Decoder[Any]
    result: msgspec.msgpack.Decoder[Any]

    def write_arguments(self, positional: tuple[Any, ...], named: dict[str, Any]) -> bytes:
        """The body of a request; what does not fit the signature is a `TypeError`, as without a socket."""
        return msgspec.msgpack.encode(self.signature.bind(*positional, **named).arguments)

    def read_arguments(self, body: bytes) -> dict[str, Any]:
        """The arguments by name, typed as the Protocol says; `INVALID` for anything else."""
        try:
            values = self.arguments.decode(body)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise AppError(ErrorKind.INVALID, f"The arguments of {self.name} do not fit: {error}") from error
        return {name: getattr(values, name) for name in self.signature.parameters}

    def read_result(self, body: bytes) -> Any:
        """The value, typed as the Protocol says; `ProtocolError` for anything else."""
        try:
            return self.result.decode(body)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise ProtocolError(f"The result of {self.name} does not fit: {error}") from error


def methods_of(face: Callable[..., object]) -> dict[str, Method]:
    """The public async methods of a Protocol; `TypeError` at wiring time for what cannot travel."""
    if not inspect.isclass(face):
        raise TypeError("a face is a Protocol class")
    methods = {
        name: _method(face, name, member)
        for name, member in inspect.getmembers(face, inspect.isfunction)
        if not name.startswith("_")
    }
    if not methods:
        raise TypeError(f"{face.__name__} has no public methods")
    return methods


def _method(face: type[Any], name: str, function: Callable[..., Any]) -> Method:
    where = f"{face.__name__}.{name}"
    if not inspect.iscoroutinefunction(function):
        raise TypeError(f"{where} must be `async def` to be called in another process")
    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())[1:]
    hints = get_type_hints(function, include_extras=True)
    fields: list[Any] = []
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise TypeError(f"{where}: parameter {parameter.name} cannot travel by name")
        if parameter.name not in hints:
            raise TypeError(f"{where}: parameter {parameter.name} has no type")
        field = (parameter.name, hints[parameter.name])
        fields.append(field if parameter.default is parameter.empty else (*field, parameter.default))
    if "return" not in hints:
        raise TypeError(f"{where} has no return type")
    arguments = msgspec.defstruct(f"{face.__name__}_{name}", fields, kw_only=True)
    return Method(
        where,
        signature.replace(parameters=parameters),
        msgspec.msgpack.Decoder(arguments),
        msgspec.msgpack.Decoder(hints["return"]),
    )
