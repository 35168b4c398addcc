"""A model file for another size of picture: the few fields of an ONNX graph that fix it, written anew.

An exporter writes the size it was told into the graph; a fully convolutional network does not depend on it.
Shapes
of inner values and outputs are left out, ONNX Runtime infers them. The format is protobuf; field numbers are
those
of `onnx.proto3` (ModelProto.graph 7; GraphProto.input 11, output 12, value_info 13; ValueInfoProto.name 1,
type 2; TypeProto.tensor_type 1; Tensor.shape 2; TensorShapeProto.dim 1; Dimension.dim_value 1).
"""

from collections.abc import Iterator

from civiscope.base import AppError, ErrorKind

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_GRAPH, _INPUT, _OUTPUT, _VALUE_INFO = 7, 11, 12, 13
_TYPE, _TENSOR, _SHAPE, _DIM = 2, 1, 2, 1


def resized_model(model: bytes, height_px: int, width_px: int) -> bytes:
    """The model with (1, 3, height, width) as the shape of its first input.

    Raises AppError INVALID for bytes that are no ONNX model with such an input.
    """
    try:
        return _rewritten(model, (height_px, width_px))
    except (ValueError, IndexError) as error:
        raise AppError(ErrorKind.INVALID, f"The file is no ONNX model of a detector: {error}.") from error


def _rewritten(model: bytes, size: tuple[int, int]) -> bytes:
    parts: list[bytes] = []
    found = False
    for number, whole, value in _fields(memoryview(model)):
        if number == _GRAPH:
            found = True
            parts.append(_field(_GRAPH, _graph(value, size)))
        else:
            parts.append(bytes(whole))
    if not found:
        raise ValueError("it has no graph")
    return b"".join(parts)


def _graph(graph: memoryview, size: tuple[int, int]) -> bytes:
    parts: list[bytes] = []
    inputs = 0
    for number, whole, value in _fields(graph):
        if number == _INPUT:
            inputs += 1
            parts.append(_field(_INPUT, _sized(value, size)) if inputs == 1 else bytes(whole))
        elif number == _OUTPUT:
            parts.append(_field(_OUTPUT, _replaced(value, (_TYPE, _TENSOR), _SHAPE, b"")))
        elif number != _VALUE_INFO:
            parts.append(bytes(whole))
    if not inputs:
        raise ValueError("its graph has no input")
    return b"".join(parts)


def _sized(value_info: memoryview, size: tuple[int, int]) -> bytes:
    dims = b"".join(_field(_DIM, b"\x08" + _varint(length)) for length in (1, 3, *size))
    return _replaced(value_info, (_TYPE, _TENSOR), _SHAPE, _field(_SHAPE, dims))


def _replaced(message: memoryview, path: tuple[int, ...], number: int, written: bytes) -> bytes:
    """The message with `written` in place of a field of the message at `path`."""
    if not path:
        rest = b"".join(bytes(whole) for at, whole, _ in _fields(message) if at != number)
        return rest + written
    return b"".join(
        _field(at, _replaced(value, path[1:], number, written)) if at == path[0] else bytes(whole)
        for at, whole, value in _fields(message)
    )


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview, memoryview]]:
    """Number, whole bytes, and value of each field (protobuf encoding, "Message structure")."""
    at = 0
    while at < len(message):
        key, value_at = _read_varint(message, at)
        kind = key & 7
        if kind == _BYTES:
            length, value_at = _read_varint(message, value_at)
            end = value_at + length
        elif kind == _VARINT:
            _, end = _read_varint(message, value_at)
        elif kind in {_FIXED32, _FIXED64}:
            end = value_at + (4 if kind == _FIXED32 else 8)
        else:
            raise ValueError("its bytes are no protobuf message")
        if end > len(message):
            raise ValueError("it is cut short")
        yield key >> 3, message[at:end], message[value_at:end]
        at = end


def _read_varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a number in it is too long")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(value)) + value
