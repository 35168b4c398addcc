/** Paints the timeline on a canvas, with the colours of the page's tokens. */

import type { ReasonedSpan, SeenEvent } from "../api/seeing";
import type { ChannelTimeline } from "../api/types";
import { ANALYSED, shapeOfKind, type MarkShape } from "./events/eventMarks";
import { marks, together, toPx, type View } from "./timelineModel";

export interface Drawn {
  readonly view: View;
  readonly zone: string;
  readonly selected: ChannelTimeline | null;
  readonly all: readonly ChannelTimeline[];
  readonly nowUs: number;
  readonly positionUs: number;
  readonly selection: { readonly fromUs: number | null; readonly toUs: number | null };
  readonly hoverUs: number | null;
  /** Of the selected camera. */
  readonly events: readonly SeenEvent[];
  readonly spans: readonly ReasonedSpan[];
  /** Events an alarm was raised of. */
  readonly raised: ReadonlySet<string>;
}

export const HEIGHT_PX = 120;
const RULER_PX = 24;
const ROWS: readonly { readonly top: number; readonly height: number }[] = [
  { top: RULER_PX + 6, height: 26 },
  { top: RULER_PX + 70, height: 18 },
];
/** Whether it was looked at, under what is recorded. */
const SEEN = { top: RULER_PX + 34, height: 7 };
const EVENTS_TOP = RULER_PX + 44;
const EVENTS_PX = 20;
const MARK_PX = 5;

/** The pointer is among the marks of events. */
export function isAtEvents(y: number): boolean {
  return y >= EVENTS_TOP - 3 && y < EVENTS_TOP + EVENTS_PX + 3;
}

interface Palette {
  readonly ground: string;
  readonly line: string;
  readonly text: string;
  readonly recorded: string;
  readonly gap: string;
  readonly cursor: string;
  readonly selection: string;
  readonly event: string;
  readonly warning: string;
  readonly alarm: string;
}

function palette(canvas: HTMLCanvasElement): Palette {
  const style = getComputedStyle(canvas);
  const token = (name: string) => style.getPropertyValue(name).trim();
  return {
    ground: token("--ground-2"),
    line: token("--line"),
    text: token("--text-2"),
    recorded: token("--recorded"),
    gap: token("--gap"),
    cursor: token("--text-1"),
    selection: token("--selection"),
    event: token("--accent"),
    warning: token("--warning"),
    alarm: token("--alarm"),
  };
}

/** Match the canvas to its box in device pixels; returns its width in CSS pixels. */
function fit(canvas: HTMLCanvasElement, pen: CanvasRenderingContext2D): number {
  const widthPx = canvas.clientWidth;
  const scale = window.devicePixelRatio || 1;
  const wanted = Math.round(widthPx * scale);
  if (canvas.width !== wanted) canvas.width = wanted;
  if (canvas.height !== Math.round(HEIGHT_PX * scale)) canvas.height = Math.round(HEIGHT_PX * scale);
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  return widthPx;
}

function hatch(
  pen: CanvasRenderingContext2D,
  x: number,
  y: number,
  width: number,
  height: number,
  colour: string,
) {
  pen.save();
  pen.beginPath();
  pen.rect(x, y, width, height);
  pen.clip();
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  pen.beginPath();
  const first = Math.floor((x - height) / 6) * 6;
  for (let at = first; at < x + width; at += 6) {
    pen.moveTo(at, y + height);
    pen.lineTo(at + height, y);
  }
  pen.stroke();
  pen.strokeRect(x + 0.5, y + 0.5, Math.max(1, width - 1), height - 1);
  pen.restore();
}

function drawRow(
  pen: CanvasRenderingContext2D,
  drawn: Drawn,
  row: { readonly top: number; readonly height: number },
  timelines: readonly ChannelTimeline[],
  widthPx: number,
  colours: Palette,
): void {
  const clip = (startUs: number, endUs: number) => {
    const from = Math.max(-2, toPx(drawn.view, widthPx, startUs));
    const to = Math.min(widthPx + 2, toPx(drawn.view, widthPx, endUs));
    return { from, width: Math.max(1, to - from), isOutside: to < 0 || from > widthPx };
  };
  pen.fillStyle = colours.line;
  pen.globalAlpha = 0.35;
  pen.fillRect(0, row.top, widthPx, row.height);
  pen.globalAlpha = 1;
  pen.fillStyle = colours.recorded;
  for (const span of together(timelines)) {
    const box = clip(span.start_us, span.end_us);
    if (!box.isOutside) pen.fillRect(box.from, row.top, box.width, row.height);
  }
  for (const timeline of timelines) {
    for (const gap of timeline.gaps) {
      const box = clip(gap.start_us, gap.end_us ?? drawn.nowUs);
      if (box.isOutside) continue;
      const width = Math.max(2, box.width);
      // In the row of all cameras a gap of one is hatched over the others' teal, in the lower half only.
      const isShared = timelines.length > 1;
      const top = isShared ? row.top + row.height / 2 : row.top;
      const height = isShared ? row.height / 2 : row.height;
      pen.clearRect(box.from, top, width, height);
      hatch(pen, box.from, top, width, height, colours.gap);
    }
  }
}

/** Not analysed: dots, so that they are not taken for a gap in the recording. */
function drawUnseen(pen: CanvasRenderingContext2D, drawn: Drawn, widthPx: number, colours: Palette): void {
  for (const span of drawn.spans) {
    const from = Math.max(-2, toPx(drawn.view, widthPx, span.start_us));
    const to = Math.min(widthPx + 2, toPx(drawn.view, widthPx, span.end_us ?? drawn.nowUs));
    if (to < 0 || from > widthPx) continue;
    if (span.reason === ANALYSED) {
      pen.globalAlpha = 0.5;
      pen.fillStyle = colours.event;
      pen.fillRect(from, SEEN.top + SEEN.height / 2 - 1, Math.max(1, to - from), 2);
      pen.globalAlpha = 1;
      continue;
    }
    pen.fillStyle = colours.warning;
    for (let x = Math.ceil(from / 6) * 6; x < to; x += 6) {
      const shift = (x / 6) % 2 === 0 ? 0 : SEEN.height - 3;
      pen.fillRect(x, SEEN.top + shift, 3, 3);
    }
    pen.fillRect(from, SEEN.top, 1, SEEN.height);
  }
}

function markPath(pen: CanvasRenderingContext2D, shape: MarkShape | "triangle", x: number, y: number): void {
  const r = MARK_PX;
  pen.beginPath();
  if (shape === "circle") pen.arc(x, y, r - 1, 0, 2 * Math.PI);
  else if (shape === "square") pen.rect(x - r + 1, y - r + 1, 2 * r - 2, 2 * r - 2);
  else {
    const corners = {
      diamond: [-r, 0, 0, -r, r, 0, 0, r],
      arrow: [-r, -r, r, 0, -r, r],
      triangle: [-r - 1, r, 0, -r - 1, r + 1, r],
    }[shape];
    for (let at = 0; at < corners.length; at += 2) {
      const [dx = 0, dy = 0] = corners.slice(at, at + 2);
      if (at === 0) pen.moveTo(x + dx, y + dy);
      else pen.lineTo(x + dx, y + dy);
    }
    pen.closePath();
  }
}

/** A mark an event: its kind by shape, raised ones red and last, so that none hides them. */
function drawEvents(pen: CanvasRenderingContext2D, drawn: Drawn, widthPx: number, colours: Palette): void {
  const y = EVENTS_TOP + EVENTS_PX / 2;
  const order = [...drawn.events].sort(
    (a, b) => Number(drawn.raised.has(a.id)) - Number(drawn.raised.has(b.id)),
  );
  for (const event of order) {
    const x = toPx(drawn.view, widthPx, event.began_us);
    const endPx =
      event.ended_us === null && !event.lasts ? x : toPx(drawn.view, widthPx, event.ended_us ?? drawn.nowUs);
    if (endPx < -MARK_PX || x > widthPx + MARK_PX) continue;
    const isRaised = drawn.raised.has(event.id);
    const shape = shapeOfKind(event.kind);
    pen.fillStyle = isRaised ? colours.alarm : shape === "diamond" ? colours.warning : colours.event;
    if (endPx - x > 1) pen.fillRect(x, y + MARK_PX, endPx - x, 2);
    markPath(pen, isRaised ? "triangle" : shape, x, y);
    pen.fill();
    pen.strokeStyle = colours.ground;
    pen.lineWidth = 1;
    pen.stroke();
  }
}

function drawRuler(pen: CanvasRenderingContext2D, drawn: Drawn, widthPx: number, colours: Palette): void {
  pen.font = "12px system-ui, sans-serif";
  pen.textBaseline = "middle";
  for (const mark of marks(drawn.view, widthPx, drawn.zone)) {
    const x = Math.round(toPx(drawn.view, widthPx, mark.atUs)) + 0.5;
    pen.strokeStyle = colours.line;
    pen.beginPath();
    pen.moveTo(x, mark.isMajor ? 2 : 12);
    pen.lineTo(x, HEIGHT_PX);
    pen.stroke();
    pen.fillStyle = colours.text;
    pen.fillText(mark.words, x + 4, RULER_PX / 2);
  }
}

function line(pen: CanvasRenderingContext2D, x: number, colour: string, width: number): void {
  pen.fillStyle = colour;
  pen.fillRect(Math.round(x - width / 2), 0, width, HEIGHT_PX);
}

function drawSelection(pen: CanvasRenderingContext2D, drawn: Drawn, widthPx: number, colours: Palette): void {
  const { fromUs, toUs } = drawn.selection;
  const x = (atUs: number) => toPx(drawn.view, widthPx, atUs);
  if (fromUs !== null && toUs !== null) {
    pen.globalAlpha = 0.3;
    pen.fillStyle = colours.selection;
    pen.fillRect(x(fromUs), RULER_PX, x(toUs) - x(fromUs), HEIGHT_PX - RULER_PX);
    pen.globalAlpha = 1;
  }
  if (fromUs !== null) line(pen, x(fromUs), colours.selection, 2);
  if (toUs !== null) line(pen, x(toUs), colours.selection, 2);
}

export function draw(canvas: HTMLCanvasElement, drawn: Drawn): void {
  const pen = canvas.getContext("2d");
  if (pen === null) return;
  const colours = palette(canvas);
  const widthPx = fit(canvas, pen);
  pen.clearRect(0, 0, widthPx, HEIGHT_PX);
  const [upper, lower] = ROWS;
  if (upper !== undefined && drawn.selected !== null) {
    drawRow(pen, drawn, upper, [drawn.selected], widthPx, colours);
  }
  if (lower !== undefined && drawn.all.length > 0) drawRow(pen, drawn, lower, drawn.all, widthPx, colours);
  drawRuler(pen, drawn, widthPx, colours);
  drawUnseen(pen, drawn, widthPx, colours);
  drawEvents(pen, drawn, widthPx, colours);
  drawSelection(pen, drawn, widthPx, colours);
  const nowPx = toPx(drawn.view, widthPx, drawn.nowUs);
  if (nowPx < widthPx) {
    pen.globalAlpha = 0.5;
    pen.fillStyle = colours.ground;
    pen.fillRect(nowPx, RULER_PX, widthPx - nowPx, HEIGHT_PX);
    pen.globalAlpha = 1;
  }
  if (drawn.hoverUs !== null) line(pen, toPx(drawn.view, widthPx, drawn.hoverUs), colours.line, 1);
  const cursorPx = toPx(drawn.view, widthPx, drawn.positionUs);
  line(pen, cursorPx, colours.cursor, 2);
  pen.beginPath();
  pen.moveTo(cursorPx - 6, 0);
  pen.lineTo(cursorPx + 6, 0);
  pen.lineTo(cursorPx, 8);
  pen.fill();
}
