/** The timeline's arithmetic: which part of time is shown, where a moment stands, which marks divide it. Pure. */

import type { ChannelTimeline, GapSpan, RecordedSpan } from "../api/types";
import { localTime, zoneOffsetUs } from "../kit/time";

export interface View {
  readonly startUs: number;
  readonly endUs: number;
}

export const SECOND_US = 1_000_000;
export const MINUTE_US = 60 * SECOND_US;
export const HOUR_US = 60 * MINUTE_US;
export const DAY_US = 24 * HOUR_US;
export const NARROWEST_US = SECOND_US;
export const WIDEST_US = 30 * DAY_US;

export function widthUs(view: View): number {
  return view.endUs - view.startUs;
}

export function toPx(view: View, widthPx: number, atUs: number): number {
  return ((atUs - view.startUs) / widthUs(view)) * widthPx;
}

export function toUs(view: View, widthPx: number, px: number): number {
  return Math.round(view.startUs + (px / Math.max(1, widthPx)) * widthUs(view));
}

/** Zoom by a factor (below 1 = nearer) so that the moment under the pointer stays where it is. */
export function zoomAround(view: View, aroundUs: number, factor: number): View {
  const width = Math.max(NARROWEST_US, Math.min(WIDEST_US, widthUs(view) * factor));
  const share = (aroundUs - view.startUs) / widthUs(view);
  const startUs = Math.round(aroundUs - share * width);
  return { startUs, endUs: startUs + Math.round(width) };
}

export function scroll(view: View, byUs: number): View {
  return { startUs: Math.round(view.startUs + byUs), endUs: Math.round(view.endUs + byUs) };
}

const PEEKS = 40;
const THUMBNAILS = 200;

/** A fortieth of the view on or back from a moment, and never out of the view. */
export function peeked(view: View, fromUs: number, by: 1 | -1): number {
  const atUs = Math.round(fromUs + (by * widthUs(view)) / PEEKS);
  return Math.max(view.startUs, Math.min(view.endUs, atUs));
}

/** The moment whose small picture stands for this one: two hundred of them to a view. */
export function snapped(view: View, atUs: number): number {
  const stepUs = Math.max(1, Math.round(widthUs(view) / THUMBNAILS));
  return Math.floor(atUs / stepUs) * stepUs;
}

/** The same width around a moment. */
export function centre(view: View, atUs: number): View {
  return scroll(view, atUs - (view.startUs + view.endUs) / 2);
}

/** While playing: turn the page when the position leaves the view (and only then). */
export function followed(view: View, positionUs: number): View {
  const share = (positionUs - view.startUs) / widthUs(view);
  if (share >= 0 && share <= 0.95) return view;
  const startUs = Math.round(positionUs - 0.1 * widthUs(view));
  return { startUs, endUs: startUs + widthUs(view) };
}

const STEPS_US: readonly number[] = [
  ...[0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30].map((s) => s * SECOND_US),
  ...[1, 2, 5, 10, 15, 30].map((m) => m * MINUTE_US),
  ...[1, 2, 3, 6, 12].map((h) => h * HOUR_US),
  ...[1, 2, 5, 10].map((d) => d * DAY_US),
];

export interface Mark {
  readonly atUs: number;
  readonly words: string;
  readonly isMajor: boolean;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

function markWords(atUs: number, stepUs: number, zone: string): { words: string; isMajor: boolean } {
  const at = localTime(atUs, zone);
  const isMidnight = at.hour === 0 && at.minute === 0 && at.second === 0 && atUs % SECOND_US === 0;
  if (isMidnight || stepUs >= DAY_US) return { words: `${two(at.month)}-${two(at.day)}`, isMajor: true };
  if (stepUs >= MINUTE_US) return { words: `${two(at.hour)}:${two(at.minute)}`, isMajor: at.minute === 0 };
  const time = `${two(at.hour)}:${two(at.minute)}:${two(at.second)}`;
  if (stepUs >= SECOND_US) return { words: time, isMajor: at.second === 0 };
  return { words: `${time}.${Math.round((atUs % SECOND_US) / 100_000)}`, isMajor: atUs % SECOND_US === 0 };
}

/** Marks at round times of the site's zone, no nearer to each other than `spacingPx`. */
export function marks(view: View, widthPx: number, zone: string, spacingPx = 90): Mark[] {
  const leastUs = (widthUs(view) * spacingPx) / Math.max(1, widthPx);
  const stepUs = STEPS_US.find((step) => step >= leastUs) ?? 10 * DAY_US;
  const offsetUs = zoneOffsetUs(view.startUs, zone);
  const found: Mark[] = [];
  let localUs = Math.ceil((view.startUs + offsetUs) / stepUs) * stepUs;
  for (let guard = 0; guard < 200; guard += 1, localUs += stepUs) {
    // Clocks may be put forward or back inside the view: ask for the offset at the mark itself.
    const atUs = localUs - zoneOffsetUs(localUs - offsetUs, zone);
    if (atUs > view.endUs) break;
    if (atUs >= view.startUs) found.push({ atUs, ...markWords(atUs, stepUs, zone) });
  }
  return found;
}

/** How many days a month has, and on which weekday (0 = Monday) it begins. */
export function monthShape(
  year: number,
  month: number,
): { readonly days: number; readonly firstWeekday: number } {
  return {
    days: new Date(Date.UTC(year, month, 0)).getUTCDate(),
    firstWeekday: (new Date(Date.UTC(year, month - 1, 1)).getUTCDay() + 6) % 7,
  };
}

/** The part of time to ask for around a view, so that small moves need no new question. */
export function askedFor(view: View): View {
  const margin = widthUs(view);
  return { startUs: Math.max(0, view.startUs - margin), endUs: view.endUs + margin };
}

export function gapAt(timeline: ChannelTimeline | null, atUs: number, nowUs: number): GapSpan | null {
  return timeline?.gaps.find((gap) => gap.start_us <= atUs && atUs < (gap.end_us ?? nowUs)) ?? null;
}

/** Spans of several channels as one row: recorded anywhere. */
export function together(channels: readonly ChannelTimeline[]): RecordedSpan[] {
  const sorted = channels.flatMap((channel) => channel.recorded).sort((a, b) => a.start_us - b.start_us);
  const merged: RecordedSpan[] = [];
  for (const span of sorted) {
    const last = merged[merged.length - 1];
    if (last !== undefined && span.start_us <= last.end_us) {
      merged[merged.length - 1] = { ...last, end_us: Math.max(last.end_us, span.end_us) };
    } else {
      merged.push({ ...span, lane: 0 });
    }
  }
  return merged;
}
