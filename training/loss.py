"""Which place answers for which box (task-aligned, TOOD), and what its answer costs."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from training.boxes import SURE_SCORE
from training.network import decoded

TOP_PLACES = 8
"""So many places at most answer for one box."""
_EPS = 1e-6


@dataclass(frozen=True, slots=True)
class Places:
    """Where the network looks: centres (P, 2) in pixels, strides (P,)."""

    centres: Tensor
    strides: Tensor


@dataclass(frozen=True, slots=True)
class Cost:
    """The three parts of what is minimised."""

    kinds: Tensor
    overlap: Tensor
    sides: Tensor

    def total(self) -> Tensor:
        """Their weighted sum."""
        return self.kinds + 2.0 * self.overlap + 0.5 * self.sides


@dataclass(frozen=True, slots=True)
class _Assigned:
    """For each place: target of each class (B, P, C), box (B, P, 4), share, and where to be silent."""

    kinds: Tensor
    boxes: Tensor
    share: Tensor
    answers: Tensor
    ignored: Tensor


def cost(output: Tensor, truth: Tensor, places: Places) -> Cost:
    """Of a batch: output (B, 4 + C, P), truth (B, M, 6) padded with class -1, doubtful below SURE_SCORE."""
    output = output.float()
    boxes = decoded(output, places.centres, places.strides)
    logits = output[:, 4:].transpose(1, 2)
    with torch.no_grad():
        told = _assign(boxes, logits.sigmoid(), truth, places)
        weight = _focus(logits.sigmoid(), told)
        whole = told.share.sum().clamp(1)
    raw = functional.binary_cross_entropy_with_logits(logits, told.kinds, reduction="none")
    chosen, share = told.answers, told.share[told.answers]
    overlap = (1 - generalised_overlap(boxes[chosen], told.boxes[chosen])) * share
    reach = torch.cat([places.centres - told.boxes[..., :2], told.boxes[..., 2:] - places.centres], -1)
    wanted = (reach / places.strides[None, :, None]).clamp(0.05).log()[chosen]
    sides = functional.smooth_l1_loss(output[:, :4].transpose(1, 2)[chosen], wanted, reduction="none")
    return Cost((raw * weight).sum() / whole, overlap.sum() / whole, (sides.mean(-1) * share).sum() / whole)


def overlap(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of boxes that broadcast."""
    common = _common(first, second)
    return common / (_area(first) + _area(second) - common + _EPS)


def generalised_overlap(first: Tensor, second: Tensor) -> Tensor:
    """Overlap less the share of the hull that neither fills (Rezatofighi 2019)."""
    common = _common(first, second)
    union = _area(first) + _area(second) - common + _EPS
    low = torch.minimum(first[..., :2], second[..., :2])
    high = torch.maximum(first[..., 2:], second[..., 2:])
    hull = (high - low).clamp(0).prod(-1) + _EPS
    return common / union - (hull - union) / hull


def _assign(boxes: Tensor, scores: Tensor, truth: Tensor, places: Places) -> _Assigned:
    """Work on the boxes of all pictures in one list (G): few pictures have as many as the fullest."""
    ignored = _ignored(truth, places)
    image, row = ((truth[..., 5] >= 0) & (truth[..., 4] >= SURE_SCORE)).nonzero(as_tuple=True)
    true, kind = truth[image, row], truth[image, row, 5].long()
    inside = _inside(true, places)
    fit = overlap(boxes[image], true[:, None, :4]) * inside
    score = scores[image, :, kind]
    aligned = (score.sqrt() * fit**3 + 0.02 * _prior(true, places)) * inside
    best, where = aligned.topk(TOP_PLACES, dim=1)
    aligned = aligned * torch.zeros_like(aligned).scatter_(1, where, (best > 1e-7).float())
    strongest = _most(aligned, image, len(truth))
    aligned = aligned * ((aligned == strongest[image]) & (aligned > 0))
    peak = aligned.amax(1, keepdim=True).clamp(1e-7)
    ceiling = (fit * (aligned > 0)).amax(1, keepdim=True).clamp(0.35)
    share = aligned / peak * ceiling * (0.7 + 0.3 * true[:, 4:5])
    box, place = (aligned > 0).nonzero(as_tuple=True)
    told = _Assigned(
        torch.zeros_like(scores), torch.zeros_like(boxes), torch.zeros_like(strongest), strongest > 0, ignored
    )
    told.kinds[image[box], place, kind[box]] = share[box, place]
    told.boxes[image[box], place] = true[box, :4]
    told.share[image[box], place] = share[box, place]
    return told


def _ignored(truth: Tensor, places: Places) -> Tensor:
    """(B, P): the place lies in a doubtful box."""
    image, row = ((truth[..., 5] >= 0) & (truth[..., 4] < SURE_SCORE)).nonzero(as_tuple=True)
    return _most(_inside(truth[image, row], places).float(), image, len(truth)) > 0


def _most(values: Tensor, image: Tensor, images: int) -> Tensor:
    """(B, P): for each picture the greatest of its boxes' values (G, P), 0 where it has none."""
    found = torch.zeros(images, values.shape[1])
    return found.scatter_reduce_(0, image[:, None].expand_as(values), values, "amax")


def _inside(true: Tensor, places: Places) -> Tensor:
    """(G, P): the place lies in the box, or within three quarters of its stride of the middle."""
    middle, half = (true[:, :2] + true[:, 2:4]) / 2, (true[:, 2:4] - true[:, :2]) / 2
    reach = torch.maximum(half[:, None], places.strides[None, :, None] * 0.75)
    return ((places.centres[None] - middle[:, None]).abs() < reach).all(-1)


def _prior(true: Tensor, places: Places) -> Tensor:
    """Before anything is learnt: the level on which the box is about four strides large, near its middle."""
    middle, sides = (true[:, :2] + true[:, 2:4]) / 2, true[:, 2:4] - true[:, :2]
    size = sides.prod(-1).clamp(1).sqrt()[:, None]
    level = torch.log2(size / (places.strides * 4)).clamp(-4, 4)
    away = (places.centres[None] - middle[:, None]) / places.strides[None, :, None]
    return torch.exp(-0.5 * level**2 - away.pow(2).sum(-1).clamp(max=50) / 8)


def _focus(scores: Tensor, told: _Assigned) -> Tensor:
    """Background counts by how wrongly it is taken for something (varifocal); doubtful places not at all."""
    weight = torch.where(told.kinds > 0, 1.0, 0.75 * scores**2)
    return weight * (told.answers | ~told.ignored)[..., None]


def _area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2:4] - boxes[..., :2]).clamp(0).prod(-1)


def _common(first: Tensor, second: Tensor) -> Tensor:
    low = torch.maximum(first[..., :2], second[..., :2])
    high = torch.minimum(first[..., 2:4], second[..., 2:4])
    return (high - low).clamp(0).prod(-1)
