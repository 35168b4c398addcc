/** Where events stand on the timeline, in which shape, and which one lies under the pointer. Pure. */

import type { ReasonedSpan, SeenEvent } from "../../api/seeing";
import { toPx, type View } from "../timelineModel";

export type MarkShape = "square" | "arrow" | "diamond" | "circle";

/** A second sign beside the colour (WCAG 1.4.1). */
export function shapeOfKind(kind: string): MarkShape {
  if (kind.startsWith("zone.")) return "square";
  if (kind.startsWith("line.")) return "arrow";
  return kind.startsWith("device.") ? "diamond" : "circle";
}

const NEAR_PX = 7;

/** The event nearest to a place on the timeline, if any is near; a lasting one is met over its whole length. */
export function eventAt(
  events: readonly SeenEvent[],
  view: View,
  widthPx: number,
  px: number,
): SeenEvent | null {
  let best: SeenEvent | null = null;
  let least = NEAR_PX;
  for (const event of events) {
    const from = toPx(view, widthPx, event.began_us);
    const to = event.ended_us === null ? from : toPx(view, widthPx, event.ended_us);
    const distance = px < from ? from - px : px > to ? px - to : Math.min(px - from, NEAR_PX - 1);
    if (distance < least) {
      best = event;
      least = distance;
    }
  }
  return best;
}

export const ANALYSED = "analysed";

export function unseenAt(spans: readonly ReasonedSpan[], atUs: number, nowUs: number): ReasonedSpan | null {
  return (
    spans.find(
      (span) => span.reason !== ANALYSED && span.start_us <= atUs && atUs < (span.end_us ?? nowUs),
    ) ?? null
  );
}
