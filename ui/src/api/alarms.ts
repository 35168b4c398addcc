/** Alarms and the rules that raise them, as the server's door answers (docs/design/seeing.md). */

import { client } from "./client";
import type { TimeProfile } from "./people";
import type { Result } from "./result";
import type { JsonSchema } from "./site";
import type { Micros } from "./types";

export const ALARM_STATES = ["new", "claimed", "parked", "closed"] as const;
export type AlarmState = (typeof ALARM_STATES)[number];
/** From the lowest to the highest. */
export const PRIORITIES = ["low", "normal", "high", "critical"] as const;
export type Priority = (typeof PRIORITIES)[number];

export interface AlarmOwner {
  readonly id: string;
  readonly name: string;
}

export interface Alarm {
  readonly id: string;
  readonly rule_id: string | null;
  readonly rule_name: string;
  readonly title: string;
  readonly channel_id: string | null;
  readonly event_id: string | null;
  readonly kind: string;
  readonly object_class: string | null;
  readonly zone: string;
  readonly priority: Priority;
  readonly state: AlarmState;
  readonly owner: AlarmOwner | null;
  readonly raised_us: Micros;
  readonly last_us: Micros;
  readonly count: number;
  readonly parked_until_us: Micros | null;
  readonly close_reason: string;
  readonly procedure: string;
  readonly escalations: number;
  readonly has_picture: boolean;
  readonly version: number;
}

export interface HistoryLine {
  readonly at_us: Micros;
  readonly who: string;
  readonly what: string;
  readonly note: string;
}

export interface AlarmFile extends Alarm {
  readonly history: readonly HistoryLine[];
  readonly neighbours: readonly string[];
}

export interface AlarmCounts {
  readonly new: number;
  readonly claimed: number;
  readonly parked: number;
  readonly rate_per_10_min: number;
}

export interface AlarmPage {
  readonly alarms: readonly Alarm[];
  readonly next: string | null;
}

export type AlarmStep = "claim" | "forward" | "park" | "close" | "note";

export interface StepBody {
  readonly version: number;
  readonly note?: string;
  readonly to_user_id?: string;
  readonly until_us?: Micros;
  readonly reason?: string;
}

type Answer<T> = Promise<Result<T>>;
const part = encodeURIComponent;

export const alarmsApi = {
  list: (
    states: readonly AlarmState[],
    channelId: string | null,
    before: string | null,
    signal?: AbortSignal,
  ): Answer<AlarmPage> => {
    const query = new URLSearchParams(states.map((state) => ["state", state]));
    if (channelId !== null) query.set("channel", channelId);
    query.set("limit", "200");
    if (before !== null) query.set("before", before);
    return client.json("GET", `/alarms?${query.toString()}`, undefined, signal);
  },
  counts: (signal?: AbortSignal): Answer<AlarmCounts> =>
    client.json("GET", "/alarms/counts", undefined, signal),
  one: (id: string, signal?: AbortSignal): Answer<AlarmFile> =>
    client.json("GET", `/alarms/${part(id)}`, undefined, signal),
  /** Who else could take it. */
  people: (id: string, signal?: AbortSignal): Answer<readonly AlarmOwner[]> =>
    client.json("GET", `/alarms/${part(id)}/people`, undefined, signal),
  step: (id: string, step: AlarmStep, body: StepBody): Answer<Alarm> =>
    client.json("POST", `/alarms/${part(id)}/${step}`, body),
};

export interface EventPattern {
  readonly kinds: readonly string[];
  readonly classes: readonly string[];
  readonly zones: readonly string[];
  readonly sources: readonly string[];
}

export interface Places {
  readonly channels: readonly string[];
  readonly groups: readonly string[];
  readonly everywhere: boolean;
}

export interface Conditions {
  readonly min_score: number;
  readonly min_lasting_s: number;
  readonly direction: string;
}

export interface ActionOrder {
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

export interface RuleDraft {
  readonly name: string;
  readonly is_on: boolean;
  readonly when: EventPattern;
  readonly at: Places;
  readonly during: TimeProfile | null;
  readonly conditions: Conditions;
  readonly actions: readonly ActionOrder[];
  readonly rest_s: number;
}

export interface Rule extends RuleDraft {
  readonly id: string;
  readonly version: number;
  readonly changed_us: Micros;
  readonly changed_by: string;
  readonly trouble: string | null;
}

export interface DryRun {
  readonly fired: number;
  readonly at: readonly {
    readonly event_id: string;
    readonly at_us: Micros;
    readonly channel_id: string | null;
  }[];
  readonly truncated: boolean;
}

/** What a rule can do, or a way to notify: a plug-in with a form. */
export interface Offer {
  readonly name: string;
  readonly title: string;
  /** Null: what lies there cannot say what it needs. */
  readonly settings_schema: JsonSchema | null;
  readonly state: string;
  readonly why: string | null;
}

export const rulesApi = {
  list: (signal?: AbortSignal): Answer<readonly Rule[]> => client.json("GET", "/rules", undefined, signal),
  actions: (signal?: AbortSignal): Answer<readonly Offer[]> =>
    client.json("GET", "/rules/actions", undefined, signal),
  add: (draft: RuleDraft): Answer<Rule> => client.json("POST", "/rules", draft),
  edit: (id: string, draft: RuleDraft): Answer<Rule> => client.json("PUT", `/rules/${part(id)}`, draft),
  remove: (id: string): Answer<unknown> => client.json("DELETE", `/rules/${part(id)}`),
  dryRun: (rule: RuleDraft, fromUs: number, toUs: number, signal?: AbortSignal): Answer<DryRun> =>
    client.json(
      "POST",
      "/rules/dry-run",
      { rule, from_us: Math.round(fromUs), to_us: Math.round(toUs) },
      signal,
    ),
};

export interface TargetDraft {
  readonly name: string;
  readonly notifier: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly is_escalation: boolean;
  readonly is_on: boolean;
}

export interface Target extends TargetDraft {
  readonly id: string;
}

export interface Delivery {
  readonly id: string;
  readonly target_id: string;
  readonly at_us: Micros;
  readonly state: "waiting" | "sent" | "failed";
  readonly attempts: number;
  readonly next_us: Micros | null;
  readonly why: string | null;
  readonly subject: string;
}

export const notifyApi = {
  notifiers: (signal?: AbortSignal): Answer<readonly Offer[]> =>
    client.json("GET", "/notifiers", undefined, signal),
  targets: (signal?: AbortSignal): Answer<readonly Target[]> =>
    client.json("GET", "/targets", undefined, signal),
  add: (draft: TargetDraft): Answer<Target> => client.json("POST", "/targets", draft),
  edit: (id: string, draft: TargetDraft): Answer<Target> => client.json("PUT", `/targets/${part(id)}`, draft),
  remove: (id: string): Answer<unknown> => client.json("DELETE", `/targets/${part(id)}`),
  test: (id: string): Answer<{ readonly ok: boolean; readonly words: string }> =>
    client.json("POST", `/targets/${part(id)}/test`),
  deliveries: (
    before: string | null,
    signal?: AbortSignal,
  ): Answer<{ readonly deliveries: readonly Delivery[]; readonly next: string | null }> => {
    const query = new URLSearchParams({ limit: "50" });
    if (before !== null) query.set("before", before);
    return client.json("GET", `/deliveries?${query.toString()}`, undefined, signal);
  },
};
