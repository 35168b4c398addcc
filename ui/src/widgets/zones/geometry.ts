/** Arithmetic of zones and lines on a picture: normalised points, y down. Pure. */

import type { PointN } from "../../api/seeing";

export type Shape = "zone" | "line";

export interface Size {
  readonly width: number;
  readonly height: number;
}

export const LEAST: Readonly<Record<Shape, number>> = { zone: 3, line: 2 };
export const MOST_POINTS = 32;
/** Smaller than this share of the picture a zone is a slip of the hand. */
const LEAST_AREA_N = 0.0005;
const LEAST_LENGTH_N = 0.02;

function clamped(value: number): number {
  return Math.min(1, Math.max(0, value));
}

/** Five digits: finer than a pixel of any camera, short in the settings. */
export function pointOf(x: number, y: number): PointN {
  return [Number(clamped(x).toFixed(5)), Number(clamped(y).toFixed(5))];
}

export function withPoint(points: readonly PointN[], index: number, point: PointN): readonly PointN[] {
  return points.map((one, at) => (at === index ? pointOf(point[0], point[1]) : one));
}

export function nudged(points: readonly PointN[], index: number, dx: number, dy: number): readonly PointN[] {
  const point = points[index];
  return point === undefined ? points : withPoint(points, index, [point[0] + dx, point[1] + dy]);
}

/** The whole shape, as far as the picture's edge lets it. */
export function moved(points: readonly PointN[], dx: number, dy: number): readonly PointN[] {
  if (points.length === 0) return points;
  const xs = points.map((one) => one[0]);
  const ys = points.map((one) => one[1]);
  const x = Math.min(1 - Math.max(...xs), Math.max(-Math.min(...xs), dx));
  const y = Math.min(1 - Math.max(...ys), Math.max(-Math.min(...ys), dy));
  return points.map((one) => pointOf(one[0] + x, one[1] + y));
}

export function inserted(points: readonly PointN[], after: number, point: PointN): readonly PointN[] {
  if (points.length >= MOST_POINTS) return points;
  return [...points.slice(0, after + 1), pointOf(point[0], point[1]), ...points.slice(after + 1)];
}

/** Null where fewer points would not be a shape any more. */
export function without(points: readonly PointN[], index: number, shape: Shape): readonly PointN[] | null {
  return points.length <= LEAST[shape] ? null : points.filter((_, at) => at !== index);
}

export interface Edge {
  readonly from: PointN;
  readonly to: PointN;
  readonly after: number;
}

export function edgesOf(points: readonly PointN[], shape: Shape): readonly Edge[] {
  const count = shape === "zone" && points.length > 2 ? points.length : points.length - 1;
  const found: Edge[] = [];
  for (let after = 0; after < count; after += 1) {
    const from = points[after];
    const to = points[(after + 1) % points.length];
    if (from !== undefined && to !== undefined) found.push({ from, to, after });
  }
  return found;
}

export function middleOf({ from, to }: Edge): PointN {
  return pointOf((from[0] + to[0]) / 2, (from[1] + to[1]) / 2);
}

function length(edge: Edge, size: Size): number {
  return Math.hypot((edge.to[0] - edge.from[0]) * size.width, (edge.to[1] - edge.from[1]) * size.height);
}

/** One more point in the middle of the longest edge: the way to add without pointing. */
export function splitLongest(points: readonly PointN[], shape: Shape, size: Size): readonly PointN[] {
  const edges = edgesOf(points, shape);
  const longest = edges.reduce<Edge | null>(
    (best, one) => (best === null || length(one, size) > length(best, size) ? one : best),
    null,
  );
  return longest === null ? points : inserted(points, longest.after, middleOf(longest));
}

/** The edge that a place is nearest to, for a point clicked there. */
export function nearestEdge(points: readonly PointN[], shape: Shape, place: PointN, size: Size): number {
  let best = points.length - 1;
  let least = Number.POSITIVE_INFINITY;
  for (const edge of edgesOf(points, shape)) {
    const distance = distanceTo(edge, place, size);
    if (distance < least) {
      least = distance;
      best = edge.after;
    }
  }
  return best;
}

function distanceTo({ from, to }: Edge, place: PointN, size: Size): number {
  const [ax, ay] = [from[0] * size.width, from[1] * size.height];
  const [bx, by] = [to[0] * size.width, to[1] * size.height];
  const [px, py] = [place[0] * size.width, place[1] * size.height];
  const square = (bx - ax) ** 2 + (by - ay) ** 2;
  const share =
    square === 0 ? 0 : Math.min(1, Math.max(0, ((px - ax) * (bx - ax) + (py - ay) * (by - ay)) / square));
  return Math.hypot(px - ax - share * (bx - ax), py - ay - share * (by - ay));
}

/** By the shoelace formula; share of the picture. */
export function areaN(points: readonly PointN[]): number {
  const doubled = edgesOf(points, "zone").reduce(
    (sum, { from, to }) => sum + from[0] * to[1] - to[0] * from[1],
    0,
  );
  return Math.abs(doubled) / 2;
}

function turn(a: PointN, b: PointN, c: PointN): number {
  return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

function crosses(one: Edge, other: Edge): boolean {
  return (
    turn(one.from, one.to, other.from) * turn(one.from, one.to, other.to) < 0 &&
    turn(other.from, other.to, one.from) * turn(other.from, other.to, one.to) < 0
  );
}

export function crossesItself(points: readonly PointN[], shape: Shape): boolean {
  const edges = edgesOf(points, shape);
  return edges.some((one, index) => edges.slice(index + 1).some((other) => crosses(one, other)));
}

export type ShapeFault = "tooFew" | "crosses" | "tooSmall" | "tooShort";

export function faultOfShape(points: readonly PointN[], shape: Shape): ShapeFault | null {
  if (points.length < LEAST[shape]) return "tooFew";
  if (crossesItself(points, shape)) return "crosses";
  if (shape === "zone") return areaN(points) < LEAST_AREA_N ? "tooSmall" : null;
  const total = edgesOf(points, "line").reduce((sum, one) => sum + length(one, { width: 1, height: 1 }), 0);
  return total < LEAST_LENGTH_N ? "tooShort" : null;
}

export interface Sides {
  /** Where A and B are written, and the arrows between them end, in pixels. */
  readonly a: PointN;
  readonly b: PointN;
  readonly middle: PointN;
}

/**
 * Looking along the line from its first point to its last, in the picture with y down, A is on the left and B on
 * the right (docs/design/seeing.md).
 */
export function sidesOf(points: readonly PointN[], size: Size, offPx: number): Sides | null {
  const edges = edgesOf(points, "line");
  const edge = edges[Math.floor((edges.length - 1) / 2)];
  const first = points[0];
  const last = points[points.length - 1];
  if (edge === undefined || first === undefined || last === undefined) return null;
  const dx = (edge.to[0] - edge.from[0]) * size.width;
  const dy = (edge.to[1] - edge.from[1]) * size.height;
  const long = Math.hypot(dx, dy);
  if (long === 0) return null;
  const middle: PointN = [
    ((edge.from[0] + edge.to[0]) / 2) * size.width,
    ((edge.from[1] + edge.to[1]) / 2) * size.height,
  ];
  const left: PointN = [(dy / long) * offPx, (-dx / long) * offPx];
  return {
    a: [middle[0] + left[0], middle[1] + left[1]],
    b: [middle[0] - left[0], middle[1] - left[1]],
    middle,
  };
}

/** A shape to begin with for who does not point: in the middle, a third of the picture wide. */
export function firstShape(shape: Shape): readonly PointN[] {
  return shape === "zone"
    ? [
        [0.33, 0.45],
        [0.67, 0.45],
        [0.67, 0.85],
        [0.33, 0.85],
      ]
    : [
        [0.3, 0.65],
        [0.7, 0.65],
      ];
}

export function readPoints(value: unknown): readonly PointN[] {
  if (!Array.isArray(value)) return [];
  const points: PointN[] = [];
  for (const one of value as readonly unknown[]) {
    if (!Array.isArray(one)) continue;
    const [x, y] = one as readonly unknown[];
    if (typeof x === "number" && typeof y === "number") points.push(pointOf(x, y));
  }
  return points;
}
