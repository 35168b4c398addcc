"""Small ONNX files, written by hand: a network of one pooling layer, with any input and any outputs."""

from dataclasses import dataclass


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: bytes | str | int) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def value_info(name: str, dims: tuple[int | str, ...], kind: int = 1) -> bytes:
    shape = b"".join(field(1, field(1, dim) if isinstance(dim, int) else field(2, dim)) for dim in dims)
    tensor = field(1, kind) + field(2, shape)
    return field(1, name) + field(2, field(1, tensor))


def node(kind: str, inputs: tuple[str, ...], output: str, *attributes: bytes) -> bytes:
    named = b"".join(field(1, one) for one in inputs) + field(2, output)
    return named + field(4, kind) + b"".join(field(5, one) for one in attributes)


def ints(name: str, *values: int) -> bytes:
    return field(1, name) + b"".join(field(8, value) for value in values) + field(20, 7)


@dataclass(frozen=True)
class Graph:
    """A model: nodes from `images` to outputs by name."""

    nodes: tuple[bytes, ...]
    outputs: tuple[tuple[str, tuple[int | str, ...]], ...]
    dims: tuple[int | str, ...] = (1, 3, "h", "w")
    input_name: str = "images"
    kind: int = 1

    def model(self) -> bytes:
        graph = b"".join(field(1, one) for one in self.nodes) + field(2, "small")
        graph += field(11, value_info(self.input_name, self.dims, self.kind))
        graph += b"".join(field(12, value_info(name, dims)) for name, dims in self.outputs)
        return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13))


def pooled(dims: tuple[int | str, ...] = (1, 3, 416, 416), output: str = "output") -> bytes:
    """Shrinks the picture by eight: a network that knows nothing of boxes."""
    pool = node("MaxPool", ("images",), output, ints("kernel_shape", 8, 8), ints("strides", 8, 8))
    return Graph((pool,), ((output, (1, 3, 52, 52)),), dims).model()
