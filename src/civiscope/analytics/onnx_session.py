"""An ONNX Runtime session as this room uses it: one thread, float32 pictures in, arrays out, faults in
words."""

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from civiscope.base import AppError, ErrorKind

os.environ["ORT_DISABLE_TELEMETRY"] = (
    "1"  # else 1.32 tells its maker that it was imported, whatever is called
)
import onnxruntime  # type: ignore[import-untyped]  # no stubs

_QUIET = 4
"""Fatal only: shapes an exporter wrote wrongly would be told with every run."""


class OnnxSession:
    """One model, loaded. One caller at a time."""

    def __init__(self, name: str, model: bytes) -> None:
        """Raises AppError INVALID in plain words for bytes that are no model that this machine can run."""
        self.name = name
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _QUIET
        options.enable_mem_pattern = True
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime raises a family of its own without a common base
            raise AppError(
                ErrorKind.INVALID, f"The model {name} cannot be loaded: {_words(error)}. Import it anew."
            ) from error
        self.inputs = {one.name: (list(one.shape), one.type) for one in self._session.get_inputs()}
        self.outputs = {one.name: list(one.shape) for one in self._session.get_outputs()}

    def run(self, picture: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """The outputs by name for a picture (1, 3, H, W); raises AppError INVALID when the model refuses
        it."""
        (given,) = self.inputs
        names = list(self.outputs)
        try:
            found: list[Any] = self._session.run(names, {given: picture})
        except Exception as error:  # as above
            raise AppError(
                ErrorKind.INVALID, f"The model {self.name} does not run: {_words(error)}."
            ) from error
        return dict(zip(names, found, strict=True))


def _words(error: Exception) -> str:
    """The first line of what ONNX Runtime says, without its prefix of numbers."""
    return str(error).split(" : ")[-1].splitlines()[0].rstrip(".")[:200]
