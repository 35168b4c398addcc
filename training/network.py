"""The built-in detector's shape: dense 3x3 convolutions and ReLU, strides 8, 16 and 32, one head each.

About 0.73 million parameters. Only what is fast in int8 on a CPU: no depthwise layer, no other activation.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.boxes import CLASSES

STRIDES = (8, 16, 32)
WIDEST_LOG = 4.0
"""A side lies at most exp(4) strides from its anchor: 437 px at stride 8, 1747 at 32."""


@dataclass(frozen=True, slots=True)
class Widths:
    """Channels of each stage."""

    stem: int = 16
    early: int = 32
    s8: int = 64
    s16: int = 96
    s32: int = 96
    neck: int = 48


class Layer(nn.Module):
    """Convolution, batch norm and, but for the last of a residual block, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")

    def linear(self, x: Tensor) -> Tensor:
        """Without the ReLU."""
        return self.norm(self.conv(x))

    def forward(self, x: Tensor) -> Tensor:
        """With it."""
        return functional.relu(self.linear(x))

    def folded(self) -> tuple[Tensor, Tensor]:
        """Weight and bias of the one convolution that does what both do at inference."""
        gain = self.norm.weight / torch.sqrt(self.norm.running_var + self.norm.eps)
        return self.conv.weight * gain[:, None, None, None], self.norm.bias - self.norm.running_mean * gain


class Residual(nn.Module):
    """Two layers beside a straight way."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.second = Layer(channels, channels), Layer(channels, channels)
        nn.init.constant_(self.second.norm.weight, 0.3)

    def forward(self, x: Tensor) -> Tensor:
        """The sum of both ways, after ReLU."""
        return functional.relu(x + self.second.linear(self.first(x)))


class Head(nn.Module):
    """Distances to the four sides (log, in strides) and class logits of one stride."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layer = Layer(channels, channels)
        self.sides = nn.Conv2d(channels, 4, 1)
        self.kinds = nn.Conv2d(channels, len(CLASSES), 1)
        for conv, bias in ((self.sides, math.log(1.5)), (self.kinds, -4.6)):
            nn.init.normal_(conv.weight, std=0.01)
            nn.init.constant_(conv.bias, bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 4 + classes, places)."""
        x = self.layer(x)
        return torch.cat([self.sides(x), self.kinds(x)], 1).flatten(2)


class Detector(nn.Module):
    """Input (B, 3, H, W) RGB divided by 255; sides multiples of 32."""

    def __init__(self, widths: Widths | None = None) -> None:
        super().__init__()
        w = widths or Widths()
        self.stem, self.early = Layer(3, w.stem, stride=2), Layer(w.stem, w.early, stride=2)
        self.down8, self.block8 = Layer(w.early, w.s8, stride=2), Residual(w.s8)
        self.down16, self.block16 = Layer(w.s8, w.s16, stride=2), Residual(w.s16)
        self.down32, self.block32 = Layer(w.s16, w.s32, stride=2), Residual(w.s32)
        self.side8, self.side16, self.side32 = (Layer(c, w.neck, 1) for c in (w.s8, w.s16, w.s32))
        self.merge16, self.merge8 = Layer(w.neck, w.neck), Layer(w.neck, w.neck)
        self.back16, self.back32 = Layer(w.neck, w.neck, stride=2), Layer(w.neck, w.neck, stride=2)
        self.heads = nn.ModuleList([Head(w.neck) for _ in STRIDES])

    def forward(self, x: Tensor) -> Tensor:
        """(B, 4 + classes, places), strides 8, 16, 32 one after another, rows first."""
        x = self.early(self.stem(x))
        c8 = self.block8(self.down8(x))
        c16 = self.block16(self.down16(c8))
        c32 = self.block32(self.down32(c16))
        p32 = self.side32(c32)
        p16 = self.merge16(self.side16(c16) + _doubled(p32))
        p8 = self.merge8(self.side8(c8) + _doubled(p16))
        p16 = p16 + self.back16(p8)
        p32 = p32 + self.back32(p16)
        return torch.cat([head(p) for head, p in zip(self.heads, (p8, p16, p32), strict=True)], 2)


def anchors(width: int, height: int) -> tuple[Tensor, Tensor]:
    """Centres (places, 2) in pixels and strides (places,) in the order of the network's output."""
    centres, strides = [], []
    for stride in STRIDES:
        rows, columns = torch.meshgrid(
            torch.arange(height // stride), torch.arange(width // stride), indexing="ij"
        )
        centres.append((torch.stack([columns, rows], -1).reshape(-1, 2) + 0.5) * stride)
        strides.append(torch.full((rows.numel(),), float(stride)))
    return torch.cat(centres), torch.cat(strides)


def decoded(output: Tensor, centres: Tensor, strides: Tensor) -> Tensor:
    """(B, places, 4) x0, y0, x1, y1 in pixels."""
    reach = output[:, :4].clamp(-WIDEST_LOG, WIDEST_LOG).exp().transpose(1, 2) * strides[None, :, None]
    return torch.cat([centres - reach[..., :2], centres + reach[..., 2:]], -1)


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")
