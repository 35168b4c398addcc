"""Points, segments and polygons in normalised coordinates."""

from collections.abc import Sequence

Point = tuple[float, float]


def side(a: Point, b: Point, point: Point) -> float:
    """Looking from `a` to `b` in the picture (y down): below 0 on the left, above 0 on the right, 0 on the
    line."""
    return (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])


def crosses(a: Point, b: Point, p: Point, q: Point) -> bool:
    """Whether the way from `p` to `q` leads through the segment a b; a start on its line counts, an end
    there not."""
    from_side, to_side = side(a, b, p), side(a, b, q)
    if (from_side < 0) == (to_side < 0):
        return False
    return (side(p, q, a) < 0) != (side(p, q, b) < 0)


def distance(a: Point, b: Point, point: Point) -> float:
    """From a point to the segment a b."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    along = ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / length if length else 0.0
    along = min(max(along, 0.0), 1.0)
    return float(((a[0] + along * dx - point[0]) ** 2 + (a[1] + along * dy - point[1]) ** 2) ** 0.5)


def contains(polygon: Sequence[Point], point: Point) -> bool:
    """Whether the point lies within (even-odd rule, Shimrat 1962)."""
    x, y = point
    inside = False
    for (x0, y0), (x1, y1) in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
        if (y0 > y) != (y1 > y) and x < (x1 - x0) * (y - y0) / (y1 - y0) + x0:
            inside = not inside
    return inside


def area(polygon: Sequence[Point]) -> float:
    """Of a polygon that does not cross itself (the shoelace formula)."""
    total = sum(
        x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(polygon, (*polygon[1:], polygon[0]), strict=True)
    )
    return abs(total) / 2


def crosses_itself(polygon: Sequence[Point]) -> bool:
    """Whether two edges that are not neighbours touch, or two neighbours lie on one another."""
    edges = list(zip(polygon, (*polygon[1:], polygon[0]), strict=True))
    count = len(edges)
    for first in range(count):
        for second in range(first + 1, count):
            are_neighbours = second == first + 1 or (first == 0 and second == count - 1)
            if are_neighbours:
                shared, one, other = _corner(edges[first], edges[second])
                if _folds_back(shared, one, other):
                    return True
            elif _touch(*edges[first], *edges[second]):
                return True
    return False


def _corner(first: tuple[Point, Point], second: tuple[Point, Point]) -> tuple[Point, Point, Point]:
    if first[1] == second[0]:
        return first[1], first[0], second[1]
    return first[0], first[1], second[0]


def _folds_back(corner: Point, one: Point, other: Point) -> bool:
    if abs(side(corner, one, other)) > 1e-12:
        return False
    return (one[0] - corner[0]) * (other[0] - corner[0]) + (one[1] - corner[1]) * (other[1] - corner[1]) > 0


def _touch(a: Point, b: Point, p: Point, q: Point) -> bool:
    if crosses(a, b, p, q):
        return True
    return min(distance(a, b, p), distance(a, b, q), distance(p, q, a), distance(p, q, b)) < 1e-9
