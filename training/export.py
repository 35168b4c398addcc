"""Write the trained network as ONNX, node by node: in fp32, and static int8 (QDQ) from calibration pictures.

Input `images` (1, 3, H, W) RGB 0 to 255; outputs `boxes` (1, N, 4) in input pixels and `scores` (1, N, 3).
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType
from onnxruntime.quantization import quantize_static as quantise
from torch import nn

from training.labelled import Labelled, load
from training.network import STRIDES, WIDEST_LOG, Detector, Layer, Residual
from training.teacher import fit

OPSET = 17
CALIBRATION_PICTURES = 200
CALIBRATION_SIZE_PX = (320, 192)
DECODING = "decode"
"""Names of nodes that stay in floating point begin with it."""

Weights = npt.NDArray[np.float32]


def main() -> None:
    """Read weights, write both files."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("weights", type=Path)
    asked.add_argument("pictures", type=Path)
    asked.add_argument("out", type=Path, help="folder of builtin.onnx and builtin_int8.onnx")
    told = asked.parse_args()
    network = Detector()
    network.load_state_dict(torch.load(told.weights, weights_only=True))
    model = Writer().write(network.eval())
    onnx.save(model, str(told.out / "builtin.onnx"))
    pictures = load(told.pictures)
    write_int8(model, [one for one in pictures if not one.is_held_out], told.out / "builtin_int8.onnx")


class Writer:
    """The graph while it grows; each method adds nodes and gives the name of what they make."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def write(self, network: Detector) -> onnx.ModelProto:
        """The whole network with decoding, normalisation folded into its first weights."""
        x = self._layer("early", network.early, self._layer("stem", network.stem, "images", gain=1 / 255))
        c8 = self._residual("block8", network.block8, self._layer("down8", network.down8, x))
        c16 = self._residual("block16", network.block16, self._layer("down16", network.down16, c8))
        c32 = self._residual("block32", network.block32, self._layer("down32", network.down32, c16))
        p32 = self._layer("side32", network.side32, c32)
        p16 = self._merged("16", network, c16, p32)
        p8 = self._merged("8", network, c8, p16)
        p16 = self._add("sum16", "Add", [p16, self._layer("back16", network.back16, p8)])
        p32 = self._add("sum32", "Add", [p32, self._layer("back32", network.back32, p16)])
        self._heads(network, (p8, p16, p32))
        return self._model()

    def _model(self) -> onnx.ModelProto:
        graph = helper.make_graph(
            self._nodes,
            "civiscope_builtin_detector",
            [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, "height", "width"])],
            [
                helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, "places", 4]),
                helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, "places", 3]),
            ],
            self._constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
        model.producer_name = "civiscope training"
        onnx.checker.check_model(model, full_check=True)
        return model

    def _add(self, name: str, kind: str, inputs: Sequence[str], **attributes: object) -> str:
        self._nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def _constant(self, name: str, value: npt.NDArray[np.generic]) -> str:
        self._constants.append(numpy_helper.from_array(value, name))
        return name

    def _conv(self, name: str, weight: Weights, bias: Weights, source: str, stride: int = 1) -> str:
        kernel = weight.shape[-1]
        inputs = [source, self._constant(f"{name}.weight", weight), self._constant(f"{name}.bias", bias)]
        return self._add(
            name,
            "Conv",
            inputs,
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[kernel // 2] * 4,
        )

    def _linear(self, name: str, layer: Layer, source: str, gain: float = 1.0) -> str:
        weight, bias = (_array(part) for part in layer.folded())
        return self._conv(name, weight * np.float32(gain), bias, source, layer.conv.stride[0])

    def _layer(self, name: str, layer: Layer, source: str, gain: float = 1.0) -> str:
        return self._add(f"{name}.relu", "Relu", [self._linear(name, layer, source, gain)])

    def _residual(self, name: str, block: Residual, source: str) -> str:
        inner = self._layer(f"{name}.first", block.first, source)
        inner = self._linear(f"{name}.second", block.second, inner)
        return self._add(f"{name}.relu", "Relu", [self._add(f"{name}.sum", "Add", [source, inner])])

    def _merged(self, level: str, network: Detector, side: str, deeper: str) -> str:
        """A level's own features and those of the deeper one, doubled in size."""
        scales = self._constant(f"scales{level}", np.array([1, 1, 2, 2], np.float32))
        doubled = self._add(
            f"double{level}",
            "Resize",
            [deeper, "", scales],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
        own = self._layer(f"side{level}", getattr(network, f"side{level}"), side)
        return self._layer(
            f"merge{level}",
            getattr(network, f"merge{level}"),
            self._add(f"join{level}", "Add", [own, doubled]),
        )

    def _heads(self, network: Detector, levels: Sequence[str]) -> None:
        boxes, scores = [], []
        self._constant("four", np.array([0, 4, -1], np.int64))
        self._constant("three", np.array([0, 3, -1], np.int64))
        for stride, head, level in zip(STRIDES, network.heads, levels, strict=True):
            x = self._layer(f"head{stride}", head.layer, level)
            sides = self._pointwise(f"sides{stride}", head.sides, x)
            kinds = self._pointwise(f"kinds{stride}", head.kinds, x)
            name = f"{DECODING}{stride}"
            boxes.append(self._add(f"{name}.boxes", "Reshape", [self._decoded(name, sides, stride), "four"]))
            certain = self._add(f"{name}.certain", "Sigmoid", [kinds])
            scores.append(self._add(f"{name}.scores", "Reshape", [certain, "three"]))
        for name, parts in (("boxes", boxes), ("scores", scores)):
            whole = self._add(f"{DECODING}.{name}", "Concat", parts, axis=2)
            self._add(name, "Transpose", [whole], perm=[0, 2, 1])

    def _pointwise(self, name: str, conv: nn.Conv2d, source: str) -> str:
        assert conv.bias is not None
        return self._conv(name, _array(conv.weight), _array(conv.bias), source)

    def _decoded(self, name: str, sides: str, stride: int) -> str:
        """(1, 4, h, w) corners in pixels from log distances; the places' middles are counted in the graph."""
        low = self._constant(f"{name}.low", np.float32(-WIDEST_LOG).reshape(()))
        high = self._constant(f"{name}.high", np.float32(WIDEST_LOG).reshape(()))
        step = self._constant(f"{name}.stride", np.float32(stride).reshape(()))
        reach = self._add(f"{name}.clip", "Clip", [sides, low, high])
        reach = self._add(f"{name}.exp", "Exp", [reach])
        reach = self._add(f"{name}.reach", "Mul", [reach, step])
        halves = self._constant(f"{name}.halves", np.array([2, 2], np.int64))
        before, after = f"{name}.before", f"{name}.after"
        self._nodes.append(
            helper.make_node("Split", [reach, halves], [before, after], name=f"{name}.split", axis=1)
        )
        middle = self._middles(name, reach, step, stride)
        corners = [
            self._add(f"{name}.first", "Sub", [middle, before]),
            self._add(f"{name}.last", "Add", [middle, after]),
        ]
        return self._add(f"{name}.corners", "Concat", corners, axis=1)

    def _middles(self, name: str, like: str, step: str, stride: int) -> str:
        """(1, 2, h, w): column and row of each place's middle, in pixels."""
        shape = self._add(f"{name}.shape", "Shape", [like], start=2, end=4)
        one_one = self._constant(f"{name}.one_one", np.array([1, 1], np.int64))
        shape = self._add(f"{name}.plane", "Concat", [one_one, shape], axis=0)
        ones = self._add(
            f"{name}.ones",
            "ConstantOfShape",
            [shape],
            value=helper.make_tensor("one", TensorProto.FLOAT, [1], [float(stride)]),
        )
        half = self._constant(f"{name}.half", np.float32(stride / 2).reshape(()))
        axes = []
        for axis in (3, 2):
            along = self._constant(f"{name}.axis{axis}", np.int64(axis).reshape(()))
            summed = self._add(f"{name}.count{axis}", "CumSum", [ones, along])
            axes.append(self._add(f"{name}.middle{axis}", "Sub", [summed, half]))
        return self._add(f"{name}.middles", "Concat", axes, axis=1)


class _Calibration(CalibrationDataReader):
    """Training pictures as inputs, one by one."""

    def __init__(self, pictures: Sequence[Labelled]) -> None:
        self._left = iter(pictures)

    def get_next(self) -> dict[str, Weights] | None:
        """The next input, or None after the last."""
        one = next(self._left, None)
        return None if one is None else {"images": as_input(one.picture, CALIBRATION_SIZE_PX)}


def as_input(picture: npt.NDArray[np.uint8], side_px: tuple[int, int]) -> Weights:
    """(1, 3, H, W) float32 of one RGB picture, at the top left, padded with 114."""
    return np.ascontiguousarray(fit(picture, side_px)[0].transpose(2, 0, 1)[None], np.float32)


def write_int8(model: onnx.ModelProto, pictures: Sequence[Labelled], out: Path) -> None:
    """Quantise all but the decoding: activations by the range seen, weights per channel in seven bits.

    Seven, because processors without VNNI add two products in sixteen bits and would saturate.
    """
    chance = np.random.default_rng(7)
    chosen = chance.choice(len(pictures), min(CALIBRATION_PICTURES, len(pictures)), replace=False)
    kept_exact = [node.name for node in model.graph.node if node.name.startswith(DECODING)]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "fp32.onnx"
        onnx.save(model, str(source))
        quantise(
            source,
            out,
            _Calibration([pictures[index] for index in sorted(chosen)]),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=[*kept_exact, "boxes", "scores"],
            op_types_to_quantize=["Conv", "Relu", "Add", "Resize"],
            calibrate_method=CalibrationMethod.MinMax,
        )


def _array(value: torch.Tensor) -> Weights:
    return np.asarray(value.detach().numpy(), np.float32)


if __name__ == "__main__":
    main()
