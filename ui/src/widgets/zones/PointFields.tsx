import type { PointN } from "../../api/seeing";
import { watchText } from "../../text/seeing";
import { withPoint, type Size } from "./geometry";

const words = watchText.editor;

interface PointFieldsProps {
  readonly points: readonly PointN[];
  readonly size: Size;
  readonly onPoints: (points: readonly PointN[], step: string) => void;
}

/** The same points as numbers: for who neither points nor sees. */
export function PointFields({ points, size, onPoints }: PointFieldsProps) {
  const set = (index: number, point: PointN) => onPoints(withPoint(points, index, point), `type ${index}`);
  return (
    <details className="point-fields">
      <summary>{words.points}</summary>
      <ol>
        {points.map(([x, y], index) => (
          <li key={index}>
            <input
              type="number"
              min={0}
              max={size.width}
              aria-label={words.x(index + 1)}
              value={Math.round(x * size.width)}
              onChange={(event) => set(index, [Number(event.target.value) / size.width, y])}
            />
            <input
              type="number"
              min={0}
              max={size.height}
              aria-label={words.y(index + 1)}
              value={Math.round(y * size.height)}
              onChange={(event) => set(index, [x, Number(event.target.value) / size.height])}
            />
          </li>
        ))}
      </ol>
    </details>
  );
}
