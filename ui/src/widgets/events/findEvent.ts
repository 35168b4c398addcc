/** The next event after a moment, and the one before it, however far away. */

import type { Histogram, SeenEvent, seeing } from "../../api/seeing";
import type { Problem } from "../../api/result";

export type Found =
  | { readonly kind: "found"; readonly event: SeenEvent }
  | { readonly kind: "none" }
  | { readonly kind: "problem"; readonly problem: Problem | null };

type Asked = Pick<typeof seeing, "events" | "histogram">;

const BUCKETS = 400;
const LEAST_BUCKET_US = 10_000_000;
/** A picture's step: standing on an event, the next one is another. */
const BEYOND_US = 50_000;
const FULL = 500;

/** Buckets with something in them, in order of time. */
export function filled(histogram: Histogram): readonly number[] {
  const starts = histogram.channels.flatMap((one) => one.counts.filter(([, n]) => n > 0).map(([us]) => us));
  return starts.sort((a, b) => a - b);
}

/** The list comes newest first, so the next one is looked for in the first bucket that is not empty. */
export async function nextEvent(api: Asked, channelId: string, atUs: number, nowUs: number): Promise<Found> {
  let fromUs = Math.round(atUs + BEYOND_US);
  let toUs = Math.round(nowUs);
  for (let step = 0; step < 6 && fromUs < toUs; step += 1) {
    const bucketUs = Math.max(LEAST_BUCKET_US, Math.ceil((toUs - fromUs) / BUCKETS));
    const counted = await api.histogram([channelId], fromUs, toUs, bucketUs);
    if (!counted.ok) return { kind: "problem", problem: counted.problem };
    const [first] = filled(counted.value);
    if (first === undefined) return { kind: "none" };
    const page = await api.events({
      channels: [channelId],
      fromUs,
      toUs: Math.min(toUs, Math.max(first, fromUs) + bucketUs),
      limit: FULL,
    });
    if (!page.ok) return { kind: "problem", problem: page.problem };
    const later = page.value.events.filter((one) => one.began_us >= fromUs);
    const nearest = later[later.length - 1];
    if (nearest === undefined) {
      fromUs = first + bucketUs; // what the bucket counted began before the moment
      continue;
    }
    if (page.value.next === null) return { kind: "found", event: nearest };
    toUs = nearest.began_us; // more than fits: look nearer
    if (toUs - fromUs <= LEAST_BUCKET_US) return { kind: "found", event: nearest };
  }
  return { kind: "none" };
}

export async function previousEvent(api: Asked, channelId: string, atUs: number): Promise<Found> {
  const page = await api.events({
    channels: [channelId],
    toUs: Math.max(0, Math.round(atUs - BEYOND_US)),
    limit: 5,
  });
  if (!page.ok) return { kind: "problem", problem: page.problem };
  const event = page.value.events.find((one) => one.began_us < atUs - BEYOND_US);
  return event === undefined ? { kind: "none" } : { kind: "found", event };
}
