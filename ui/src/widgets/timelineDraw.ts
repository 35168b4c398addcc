/** Paints the timeline on a canvas, with the colours of the page's tokens. */

import type { ChannelTimeline } from "../api/types";
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
}

export const HEIGHT_PX = 96;
const RULER_PX = 24;
const ROWS: readonly { readonly top: number; readonly height: number }[] = [
  { top: RULER_PX + 6, height: 30 },
  { top: RULER_PX + 44, height: 18 },
];

interface Palette {
  readonly ground: string;
  readonly line: string;
  readonly text: string;
  readonly recorded: string;
  readonly gap: string;
  readonly cursor: string;
  readonly selection: string;
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
