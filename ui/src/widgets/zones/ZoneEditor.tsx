import {
  useEffect,
  useRef,
  useState,
  type KeyboardEvent,
  type MouseEvent,
  type PointerEvent,
  type ReactNode,
} from "react";
import type { PointN } from "../../api/seeing";
import { Icon } from "../../kit/icons";
import { Button } from "../../kit/parts";
import { watchText } from "../../text/seeing";
import { centreOf, Drawing, type OtherShape } from "./Drawing";
import {
  edgesOf,
  faultOfShape,
  firstShape,
  inserted,
  LEAST,
  middleOf,
  MOST_POINTS,
  moved,
  nudged,
  pointOf,
  splitLongest,
  withPoint,
  without,
  type Shape,
  type Size,
} from "./geometry";
import { PointFields } from "./PointFields";
import "./zones.css";

const words = watchText.editor;
const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
const COARSE = 10;
const CLICK_PX = 3;

interface ZoneEditorProps {
  readonly ground: ReactNode;
  readonly size: Size;
  readonly shape: Shape;
  readonly points: readonly PointN[];
  /** The shape is not closed yet: clicks add points. */
  readonly isDrawing: boolean;
  readonly direction: string;
  readonly minHeightN: number;
  readonly others: readonly OtherShape[];
  readonly disabled: boolean;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  /** Steps of one name directly after each other are undone as one. */
  readonly onPoints: (points: readonly PointN[], step: string) => void;
  readonly onDrawing: (isDrawing: boolean) => void;
  readonly onUndo: () => void;
  readonly onRedo: () => void;
}

/** A zone or a line on a picture: by mouse, by touch, by keyboard, or as numbers. */
export function ZoneEditor(props: ZoneEditorProps) {
  const { shape, points, isDrawing, size, disabled, onPoints, onDrawing } = props;
  const stage = useRef<HTMLDivElement>(null);
  const [unit, setUnit] = useState(1);
  const [hover, setHover] = useState<PointN | null>(null);
  const [picked, setPicked] = useState<number | null>(null);
  const heldPoints = useRef(points);
  useEffect(() => {
    const box = stage.current;
    if (box === null) return undefined;
    const measure = () => setUnit(size.width / Math.max(1, box.clientWidth));
    const watcher = new ResizeObserver(measure);
    watcher.observe(box);
    return () => watcher.disconnect();
  }, [size.width]);

  const place = (event: { readonly clientX: number; readonly clientY: number }): PointN => {
    const box = stage.current?.getBoundingClientRect();
    if (box === undefined) return [0, 0];
    return pointOf((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  };
  const close = () => {
    if (points.length >= LEAST[shape]) onDrawing(false);
  };
  const clickGround = (event: MouseEvent) => {
    if (disabled || event.detail === 0) return; // pressed by key: there is no place
    const at = place(event);
    if (picked !== null) {
      onPoints(withPoint(points, picked, at), "");
      setPicked(null);
    } else if (isDrawing && points.length < MOST_POINTS) {
      onPoints([...points, at], "");
    }
  };
  const remove = (index: number) => {
    const left = isDrawing ? points.filter((_, at) => at !== index) : without(points, index, shape);
    if (left !== null) onPoints(left, "");
    setPicked(null);
  };
  const press = (event: KeyboardEvent) => {
    if (disabled) return;
    const key = `${event.ctrlKey || event.metaKey ? "Ctrl+" : ""}${event.key}`;
    if (key === "Ctrl+z") props.onUndo();
    else if (key === "Ctrl+y") props.onRedo();
    else if (key === "Escape" && picked !== null) setPicked(null);
    else if (key === "Enter" && isDrawing) close();
    else return;
    event.preventDefault();
  };
  const clickPoint = (index: number) => {
    if (isDrawing && index === 0 && shape === "zone") close();
    else if (!isDrawing) setPicked(picked === index ? null : index);
  };
  const edges = isDrawing || disabled ? [] : edgesOf(points, shape);
  return (
    // The keys of the whole editor; each handle inside is a button of its own.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <div
      className="zone-editor"
      role="group"
      aria-label={words.label(words[shape])}
      onKeyDown={press}
      data-testid="zone-editor"
      data-points={points.length}
      data-drawing={isDrawing}
    >
      <div
        ref={stage}
        className="zone-stage"
        style={{ aspectRatio: `${size.width} / ${size.height}` }}
        onPointerLeave={() => setHover(null)}
      >
        {props.ground}
        <Drawing {...props} unit={unit} hover={hover} />
        <button
          type="button"
          className={isDrawing || picked !== null ? "zone-surface is-aiming" : "zone-surface"}
          aria-label={isDrawing ? words.help[shape === "zone" ? "draw" : "drawLine"] : words.help.edit}
          disabled={disabled}
          onClick={clickGround}
          onPointerMove={(event) => setHover(isDrawing ? place(event) : null)}
          data-testid="zone-surface"
        />
        {!disabled &&
          points.map((point, index) => (
            <Handle
              key={index}
              kind={picked === index ? "point is-picked" : "point"}
              at={point}
              size={size}
              label={words.point(
                index + 1,
                Math.round(point[0] * size.width),
                Math.round(point[1] * size.height),
              )}
              place={place}
              onClick={() => clickPoint(index)}
              onDrag={(to) => onPoints(withPoint(points, index, to), `drag ${index}`)}
              onNudge={(dx, dy) => onPoints(nudged(points, index, dx, dy), `nudge ${index}`)}
              onDelete={() => remove(index)}
              testId={`zone-point-${index}`}
            />
          ))}
        {edges.map((edge) => (
          <Handle
            key={`edge ${edge.after}`}
            kind="middle"
            at={middleOf(edge)}
            size={size}
            label={words.addAt(edge.after + 1)}
            place={place}
            onClick={() => onPoints(inserted(points, edge.after, middleOf(edge)), "")}
            testId={`zone-middle-${edge.after}`}
          />
        ))}
        {!isDrawing && !disabled && points.length > 0 && (
          <Handle
            kind="whole"
            at={centreOf(points, shape)}
            size={size}
            label={words.whole(words[shape])}
            place={place}
            onHold={() => {
              heldPoints.current = points;
            }}
            onDrag={(to, from) =>
              onPoints(moved(heldPoints.current, to[0] - from[0], to[1] - from[1]), "drag all")
            }
            onNudge={(dx, dy) => onPoints(moved(points, dx, dy), "nudge all")}
            testId="zone-whole"
          />
        )}
      </div>
      <Tools
        {...props}
        picked={picked}
        onClose={close}
        onRemove={() => remove(picked ?? points.length - 1)}
        onStart={() => {
          onPoints(firstShape(shape), "");
          onDrawing(false);
        }}
        onAdd={() => onPoints(splitLongest(points, shape, size), "")}
        onAgain={() => {
          onPoints([], "");
          onDrawing(true);
          setPicked(null);
        }}
      />
      {!disabled && points.length > 0 && <PointFields points={points} size={size} onPoints={onPoints} />}
    </div>
  );
}

interface HandleProps {
  readonly kind: string;
  readonly at: PointN;
  readonly size: Size;
  readonly label: string;
  readonly place: (event: { readonly clientX: number; readonly clientY: number }) => PointN;
  readonly onClick?: () => void;
  readonly onHold?: () => void;
  readonly onDrag?: (to: PointN, from: PointN) => void;
  readonly onNudge?: (dx: number, dy: number) => void;
  readonly onDelete?: () => void;
  readonly testId: string;
}

/** A point to take hold of: dragged, clicked, or moved by the arrow keys. */
function Handle({ kind, at, size, label, place, testId, ...props }: HandleProps) {
  const { onClick, onDrag, onNudge, onDelete } = props;
  const held = useRef<{
    readonly x: number;
    readonly y: number;
    readonly at: PointN;
    isMoved: boolean;
  } | null>(null);
  const wasMoved = useRef(false);
  const down = (event: PointerEvent<HTMLButtonElement>) => {
    if (onDrag === undefined || event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    held.current = { x: event.clientX, y: event.clientY, at: place(event), isMoved: false };
    props.onHold?.();
  };
  const move = (event: PointerEvent) => {
    const { current } = held;
    if (current === null) return;
    if (Math.hypot(event.clientX - current.x, event.clientY - current.y) > CLICK_PX) current.isMoved = true;
    if (!current.isMoved) return;
    onDrag?.(place(event), current.at);
  };
  const up = () => {
    wasMoved.current = held.current?.isMoved ?? false;
    held.current = null;
  };
  const press = (event: KeyboardEvent) => {
    const arrow = ARROWS[event.key];
    const isDelete = event.key === "Delete" || event.key === "Backspace";
    if (arrow !== undefined && onNudge !== undefined && !event.ctrlKey) {
      const step = event.shiftKey ? COARSE : 1;
      onNudge((arrow[0] * step) / size.width, (arrow[1] * step) / size.height);
    } else if (isDelete && onDelete !== undefined) onDelete();
    else return;
    event.preventDefault();
  };
  return (
    <button
      type="button"
      className={`zone-handle zone-${kind}`}
      style={{ left: `${at[0] * 100}%`, top: `${at[1] * 100}%` }}
      aria-label={label}
      title={label}
      onPointerDown={down}
      onPointerMove={move}
      onPointerUp={up}
      onPointerCancel={up}
      onClick={() => {
        if (!wasMoved.current) onClick?.();
        wasMoved.current = false;
      }}
      onKeyDown={press}
      data-testid={testId}
    >
      {kind === "middle" && <Icon name="plus" />}
      {kind === "whole" && <Icon name="move" />}
    </button>
  );
}

interface ToolsProps extends ZoneEditorProps {
  readonly picked: number | null;
  readonly onClose: () => void;
  readonly onRemove: () => void;
  readonly onStart: () => void;
  readonly onAdd: () => void;
  readonly onAgain: () => void;
}

/** What can be done to a closed shape. */
function EditTools(props: ToolsProps) {
  const { shape, points, disabled, picked } = props;
  const least = LEAST[shape];
  return (
    <>
      <Button disabled={disabled || points.length >= MOST_POINTS} onClick={props.onAdd}>
        {words.addPoint}
      </Button>
      <Button disabled={disabled || points.length <= least || picked === null} onClick={props.onRemove}>
        {words.removePoint}
      </Button>
      {shape === "line" && (
        <Button
          disabled={disabled}
          onClick={() => props.onPoints([...points].reverse(), "")}
          testId="zone-turn"
        >
          {words.turn}
        </Button>
      )}
      <Button disabled={disabled} onClick={props.onAgain} testId="zone-again">
        {words.again}
      </Button>
    </>
  );
}

function Tools(props: ToolsProps) {
  const { shape, points, isDrawing, disabled } = props;
  const fault = isDrawing ? null : faultOfShape(points, shape);
  const least = LEAST[shape];
  return (
    <>
      <div className="group" role="group" aria-label={words[shape]}>
        {isDrawing && (
          <Button
            kind="primary"
            disabled={disabled || points.length < least}
            onClick={props.onClose}
            testId="zone-close"
          >
            {words.close}
          </Button>
        )}
        {isDrawing && points.length === 0 && (
          <Button disabled={disabled} onClick={props.onStart} testId="zone-start">
            {words.start}
          </Button>
        )}
        <Button disabled={disabled || !props.canUndo} onClick={props.onUndo} testId="zone-undo">
          <Icon name="back" /> {words.undo}
        </Button>
        <Button disabled={disabled || !props.canRedo} onClick={props.onRedo} testId="zone-redo">
          <Icon name="onward" /> {words.redo}
        </Button>
        {!isDrawing && <EditTools {...props} />}
      </div>
      <p
        className={fault === null ? "hint" : "field-error"}
        role="status"
        data-testid="zone-verdict"
        data-fault={fault ?? ""}
      >
        {stateWords(props, fault)}
      </p>
      {!isDrawing && !disabled && <p className="hint">{words.help.keys}</p>}
    </>
  );
}

function stateWords({ shape, points, isDrawing, picked }: ToolsProps, fault: string | null): string {
  const isZone = shape === "zone";
  if (picked !== null) return words.picked(picked + 1);
  if (isDrawing) return isZone ? words.help.draw : words.help.drawLine;
  if (fault === "tooFew") return isZone ? words.faults.tooFewZone : words.faults.tooFewLine;
  if (fault === "crosses") return words.faults.crosses;
  if (fault === "tooSmall") return words.faults.tooSmall;
  if (fault === "tooShort") return words.faults.tooShort;
  return `${words.good(points.length)} ${words.help.edit}${isZone ? ` ${words.help.foot}` : ""}`;
}
