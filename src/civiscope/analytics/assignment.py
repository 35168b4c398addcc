"""Who belongs to whom: the cheapest assignment of rows to columns."""

import lap  # type: ignore[import-untyped]  # it has no types
import numpy as np
from numpy.typing import NDArray


def best_assignment(cost: NDArray[np.float64], limit: float | None = None) -> NDArray[np.intp]:
    """Pairs (row, column) of the cheapest one-to-one assignment; shape (K, 2), by row.

    `cost`: (R, C). Pairs that cost more than `limit` are not made. Jonker and Volgenant 1987, by `lap`.
    """
    if cost.size == 0:
        return np.zeros((0, 2), np.intp)
    reach = float(limit) if limit is not None else float("inf")
    _, columns, _ = lap.lapjv(np.ascontiguousarray(cost, np.float64), extend_cost=True, cost_limit=reach)
    rows = np.flatnonzero(columns >= 0)
    return np.stack([rows, columns[rows]], axis=1).astype(np.intp)
