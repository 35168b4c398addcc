import { Fragment } from "react";
import type { PointN } from "../../api/seeing";
import { watchText } from "../../text/seeing";
import { edgesOf, sidesOf, type Shape, type Size } from "./geometry";

export interface OtherShape {
  readonly id: string;
  readonly name: string;
  readonly shape: Shape;
  readonly points: readonly PointN[];
}

interface DrawingProps {
  readonly size: Size;
  /** Pixels of the picture in one pixel of the screen. */
  readonly unit: number;
  readonly shape: Shape;
  readonly points: readonly PointN[];
  readonly isDrawing: boolean;
  readonly hover: PointN | null;
  readonly direction: string;
  readonly minHeightN: number;
  readonly others: readonly OtherShape[];
}

function path(points: readonly PointN[], size: Size, isClosed: boolean): string {
  const steps = points.map(
    ([x, y], index) => `${index === 0 ? "M" : "L"}${x * size.width} ${y * size.height}`,
  );
  return steps.join("") + (isClosed ? "Z" : "");
}

/** What is drawn, for the eye only: the handles over it carry the words. */
export function Drawing(props: DrawingProps) {
  const { size, unit, shape, points, isDrawing, hover, others } = props;
  const last = points[points.length - 1];
  const isClosed = shape === "zone" && !isDrawing;
  return (
    <svg
      className="zone-drawing"
      viewBox={`0 0 ${size.width} ${size.height}`}
      preserveAspectRatio="none"
      aria-hidden="true"
      focusable="false"
    >
      {others.map((one) => (
        <Other key={one.id} other={one} size={size} unit={unit} />
      ))}
      <path className="zone-shadow" d={path(points, size, isClosed)} />
      <path
        className={isClosed ? "zone-shape is-closed" : "zone-shape"}
        d={path(points, size, isClosed)}
        data-testid="zone-shape"
      />
      {isDrawing && hover !== null && last !== undefined && (
        <path className="zone-rubber" d={path([last, hover], size, false)} />
      )}
      {shape === "line" && !isDrawing && <Sides {...props} />}
      <HeightBox {...props} />
    </svg>
  );
}

function Other({
  other,
  size,
  unit,
}: {
  readonly other: OtherShape;
  readonly size: Size;
  readonly unit: number;
}) {
  const [first] = other.points;
  if (first === undefined) return null;
  return (
    <g className="zone-other">
      <path d={path(other.points, size, other.shape === "zone")} />
      <Words at={[first[0] * size.width + 6 * unit, first[1] * size.height - 6 * unit]} unit={unit}>
        {other.name}
      </Words>
    </g>
  );
}

interface WordsProps {
  readonly at: PointN;
  readonly unit: number;
  readonly children: string;
  readonly sizePx?: number;
}

function Words({ at, unit, children, sizePx = 12 }: WordsProps) {
  return (
    <text className="zone-words" x={at[0]} y={at[1]} fontSize={sizePx * unit} strokeWidth={3 * unit}>
      {children}
    </text>
  );
}

/** A and B, and the way that counts between them. */
function Sides({ points, size, unit, direction }: DrawingProps) {
  const sides = sidesOf(points, size, 34 * unit);
  const near = sidesOf(points, size, 20 * unit);
  if (sides === null || near === null) return null;
  const heads = [
    ...(direction !== "b_to_a" ? [{ from: near.a, tip: near.b }] : []),
    ...(direction !== "a_to_b" ? [{ from: near.b, tip: near.a }] : []),
  ];
  return (
    <g className="zone-sides">
      <path d={`M${near.a.join(" ")}L${near.b.join(" ")}`} />
      {heads.map(({ from, tip }) => (
        <path key={tip.join(" ")} className="zone-head" d={headOf(from, tip, 8 * unit)} />
      ))}
      {(["a", "b"] as const).map((side) => (
        <Fragment key={side}>
          <circle cx={sides[side][0]} cy={sides[side][1]} r={11 * unit} />
          <text
            x={sides[side][0]}
            y={sides[side][1]}
            dy="0.36em"
            textAnchor="middle"
            fontSize={14 * unit}
            className="zone-side"
          >
            {side.toUpperCase()}
          </text>
        </Fragment>
      ))}
    </g>
  );
}

function headOf(from: PointN, tip: PointN, sizePx: number): string {
  const long = Math.hypot(tip[0] - from[0], tip[1] - from[1]) || 1;
  const [dx, dy] = [((tip[0] - from[0]) / long) * sizePx, ((tip[1] - from[1]) / long) * sizePx];
  const base: PointN = [tip[0] - dx, tip[1] - dy];
  return `M${tip.join(" ")}L${base[0] - dy / 1.6} ${base[1] + dx / 1.6}L${base[0] + dy / 1.6} ${base[1] - dx / 1.6}Z`;
}

/** A box as high as the smallest that counts, at the left, as if it stood near the lower edge. */
function HeightBox({ size, unit, minHeightN }: DrawingProps) {
  if (minHeightN <= 0) return null;
  const height = minHeightN * size.height;
  const bottom = Math.min(size.height - 8 * unit, Math.max(height, size.height * 0.94));
  return (
    <g className="zone-height" data-testid="zone-height">
      <rect x={12 * unit} y={bottom - height} width={Math.max(3 * unit, height * 0.4)} height={height} />
      <Words at={[18 * unit + height * 0.4, bottom - 2 * unit]} unit={unit}>
        {`${watchText.editor.height} ${Math.round(height)} px`}
      </Words>
    </g>
  );
}

/** Where the handle of the whole shape stands. */
export function centreOf(points: readonly PointN[], shape: Shape): PointN {
  const edges = edgesOf(points, shape);
  if (shape === "line") {
    const edge = edges[Math.floor((edges.length - 1) / 2)];
    if (edge !== undefined) {
      return [edge.from[0] * 0.25 + edge.to[0] * 0.75, edge.from[1] * 0.25 + edge.to[1] * 0.75];
    }
  }
  const sum = points.reduce<PointN>((all, one) => [all[0] + one[0], all[1] + one[1]], [0, 0]);
  return [sum[0] / Math.max(1, points.length), sum[1] / Math.max(1, points.length)];
}
