/** What is seen: analytics of a channel, events, coverage, figures of the analyst (docs/design/seeing.md). */

import { client } from "./client";
import type { Result } from "./result";
import type { JsonSchema } from "./site";
import type { TimeProfile } from "./people";
import type { Micros } from "./types";

/** Normalised: 0 to 1 of the picture's width and height, origin top left. */
export type PointN = readonly [number, number];

export interface AnalyticPlugin {
  readonly name: string;
  readonly title: string;
  readonly infers: string;
  readonly ai_class: string;
  readonly kinds: readonly string[];
  readonly needs: { readonly classes: readonly string[]; readonly min_height_px: number };
  readonly state: string;
  readonly why: string | null;
  readonly settings_schema: JsonSchema;
}

export type Settings = Readonly<Record<string, unknown>>;

export interface AnalyticDraft {
  readonly plugin: string;
  readonly name: string;
  readonly settings: Settings;
  readonly schedule: TimeProfile | null;
  readonly is_on: boolean;
}

export interface Analytic extends AnalyticDraft {
  readonly id: string;
  readonly changed_us: Micros;
  readonly changed_by: string;
  /** In words; empty or null while it works. */
  readonly trouble: string | null;
}

export interface Model {
  readonly name: string;
  readonly task: string;
  readonly state: string;
  readonly is_verified: boolean;
  readonly licence: string;
  readonly input: string;
  readonly why: string;
  readonly card: string;
}

export interface ChannelSeen {
  readonly channel_id: string;
  readonly coverage: string;
  readonly since_us: Micros;
  readonly detail: string;
  readonly frames_per_s: number;
  readonly moving_share: number;
  readonly detections_per_s: number;
  readonly cost_ms_per_s: number;
  readonly width_px: number;
  readonly height_px: number;
  readonly objects: number;
  readonly shed_frames: number;
  readonly analytics: readonly { readonly analytic_id: string; readonly trouble: string }[];
}

export interface Analysis {
  readonly detector: string;
  /** False: the analyst has not answered lately; the figures are old. */
  readonly is_fresh: boolean;
  readonly models: readonly Model[];
  readonly channels: readonly ChannelSeen[];
}

export interface SeenEvent {
  readonly id: string;
  readonly channel_id: string | null;
  readonly source: string;
  readonly plugin: string;
  readonly kind: string;
  readonly began_us: Micros;
  readonly ended_us: Micros | null;
  readonly lasts: boolean;
  readonly object_class: string;
  readonly track_id: number | null;
  readonly box_n: readonly [number, number, number, number] | null;
  readonly place_n: PointN | null;
  readonly zone: string;
  readonly direction: string;
  readonly score: number;
  readonly values: Readonly<Record<string, string>>;
  readonly detector: string;
  readonly has_picture: boolean;
}

export interface EventPage {
  readonly events: readonly SeenEvent[];
  readonly next: string | null;
}

export interface EventQuery {
  readonly channels?: readonly string[];
  readonly kinds?: readonly string[];
  readonly classes?: readonly string[];
  readonly fromUs?: Micros;
  readonly toUs?: Micros;
  readonly limit?: number;
  readonly before?: string | null;
}

export interface ReasonedSpan {
  readonly start_us: Micros;
  readonly end_us: Micros | null;
  readonly reason: string;
  readonly detail: string;
}

export interface Histogram {
  readonly channels: readonly {
    readonly id: string;
    readonly counts: readonly (readonly [Micros, number])[];
  }[];
}

export interface Coverage {
  readonly channels: readonly { readonly id: string; readonly spans: readonly ReasonedSpan[] }[];
}

type Answer<T> = Promise<Result<T>>;

const part = encodeURIComponent;

function several(query: URLSearchParams, name: string, values: readonly string[] | undefined): void {
  for (const value of values ?? []) query.append(name, value);
}

function spanOf(query: URLSearchParams, fromUs: number | undefined, toUs: number | undefined): void {
  if (fromUs !== undefined) query.set("from_us", String(Math.max(0, Math.round(fromUs))));
  if (toUs !== undefined) query.set("to_us", String(Math.max(0, Math.round(toUs))));
}

export const seeing = {
  plugins: (signal?: AbortSignal): Answer<readonly AnalyticPlugin[]> =>
    client.json("GET", "/analytics/plugins", undefined, signal),
  analytics: (channelId: string, signal?: AbortSignal): Answer<readonly Analytic[]> =>
    client.json("GET", `/channels/${part(channelId)}/analytics`, undefined, signal),
  add: (channelId: string, draft: AnalyticDraft): Answer<Analytic> =>
    client.json("POST", `/channels/${part(channelId)}/analytics`, draft),
  edit: (channelId: string, id: string, draft: AnalyticDraft): Answer<Analytic> =>
    client.json("PUT", `/channels/${part(channelId)}/analytics/${part(id)}`, draft),
  remove: (channelId: string, id: string): Answer<unknown> =>
    client.json("DELETE", `/channels/${part(channelId)}/analytics/${part(id)}`),
  analysis: (signal?: AbortSignal): Answer<Analysis> => client.json("GET", "/analysis", undefined, signal),
  detector: (signal?: AbortSignal): Answer<{ readonly detector: string; readonly words: string }> =>
    client.json("GET", "/detector", undefined, signal),
  events: (wish: EventQuery, signal?: AbortSignal): Answer<EventPage> => {
    const query = new URLSearchParams();
    several(query, "channel", wish.channels);
    several(query, "kind", wish.kinds);
    several(query, "class", wish.classes);
    spanOf(query, wish.fromUs, wish.toUs);
    query.set("limit", String(wish.limit ?? 100));
    if (wish.before != null) query.set("before", wish.before);
    return client.json("GET", `/events?${query.toString()}`, undefined, signal);
  },
  event: (id: string, signal?: AbortSignal): Answer<SeenEvent> =>
    client.json("GET", `/events/${part(id)}`, undefined, signal),
  histogram: (
    channels: readonly string[],
    fromUs: number,
    toUs: number,
    bucketUs: number,
    signal?: AbortSignal,
  ): Answer<Histogram> => {
    const query = new URLSearchParams();
    several(query, "channel", channels);
    spanOf(query, fromUs, toUs);
    query.set("bucket_us", String(Math.max(1, Math.round(bucketUs))));
    return client.json("GET", `/events/histogram?${query.toString()}`, undefined, signal);
  },
  coverage: (
    channels: readonly string[],
    fromUs: number,
    toUs: number,
    signal?: AbortSignal,
  ): Answer<Coverage> => {
    const query = new URLSearchParams();
    several(query, "channel", channels);
    spanOf(query, fromUs, toUs);
    return client.json("GET", `/coverage?${query.toString()}`, undefined, signal);
  },
  /** Where the browser gets an event's best picture; the look must be a playback look around the event. */
  pictureAddress: (lookId: string, eventId: string): string =>
    `/api/v1/looks/${part(lookId)}/pictures/${part(eventId)}`,
};
