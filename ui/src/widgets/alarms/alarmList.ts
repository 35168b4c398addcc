/** Alarms as the screens hold them: newer versions win, order, filters, what is next. Pure. */

import { PRIORITIES, type Alarm, type AlarmState } from "../../api/alarms";

export type AlarmMap = ReadonlyMap<string, Alarm>;

/** Take what came; an older version than the one known changes nothing. */
export function taken(known: AlarmMap, alarms: readonly Alarm[]): AlarmMap {
  const fresh = alarms.filter((one) => (known.get(one.id)?.version ?? -1) < one.version);
  if (fresh.length === 0) return known;
  const next = new Map(known);
  for (const one of fresh) next.set(one.id, one);
  return next;
}

/** A whole answer of the list: open alarms that are not in it any more are gone, unless they came after the question. */
export function answered(
  known: AlarmMap,
  alarms: readonly Alarm[],
  isWhole: boolean,
  askedUs: number,
): AlarmMap {
  const merged = taken(known, alarms);
  if (!isWhole) return merged;
  const present = new Set(alarms.map((one) => one.id));
  const kept = [...merged.values()].filter(
    (one) => present.has(one.id) || one.state === "closed" || one.last_us > askedUs,
  );
  return kept.length === merged.size ? merged : new Map(kept.map((one) => [one.id, one]));
}

export type News = "new" | "raised" | null;

/** Whether a change is worth a sound: an alarm not known before, or one that nobody took. */
export function newsOf(before: Alarm | undefined, after: Alarm): News {
  if (after.state !== "new") return null;
  if (before === undefined) return "new";
  if (before.version >= after.version) return null;
  if (after.escalations > before.escalations) return "raised";
  return before.state === "parked" ? "new" : null;
}

export function rank(alarm: Alarm): number {
  return PRIORITIES.indexOf(alarm.priority);
}

/** Newest first, then priority. */
export function inOrder(alarms: Iterable<Alarm>): readonly Alarm[] {
  return [...alarms].sort(
    (a, b) => b.raised_us - a.raised_us || rank(b) - rank(a) || a.id.localeCompare(b.id),
  );
}

export const OWNERS = ["", "me", "none"] as const;
export type OwnerFilter = (typeof OWNERS)[number];

export interface AlarmFilter {
  readonly states: readonly AlarmState[];
  readonly channelId: string | null;
  readonly owner: OwnerFilter;
}

export const OPEN: readonly AlarmState[] = ["new", "claimed", "parked"];
const EVERY: readonly AlarmState[] = [...OPEN, "closed"];

export function readFilter(query: URLSearchParams): AlarmFilter {
  const asked = query.get("state") ?? "";
  const owner = query.get("owner") ?? "";
  const channel = query.get("camera") ?? "";
  const one = EVERY.find((state) => state === asked);
  return {
    states: asked === "all" ? EVERY : one === undefined ? OPEN : [one],
    channelId: /^[0-9a-f-]{36}$/i.test(channel) ? channel : null,
    owner: OWNERS.find((known) => known === owner) ?? "",
  };
}

export function filterQuery(state: string, channelId: string, owner: string): Record<string, string | null> {
  return {
    state: state === "" ? null : state,
    camera: channelId === "" ? null : channelId,
    owner: owner === "" ? null : owner,
  };
}

export function matches(alarm: Alarm, filter: AlarmFilter, myId: string): boolean {
  if (!filter.states.includes(alarm.state)) return false;
  if (filter.channelId !== null && alarm.channel_id !== filter.channelId) return false;
  if (filter.owner === "me") return alarm.owner?.id === myId;
  return filter.owner === "" || alarm.owner === null;
}

/** The next new alarm below the present one; from the end on to the top. */
export function nextNew(shown: readonly Alarm[], presentId: string | null): string | null {
  const at = shown.findIndex((one) => one.id === presentId);
  const order = [...shown.slice(at + 1), ...shown.slice(0, Math.max(0, at))];
  return order.find((one) => one.state === "new")?.id ?? null;
}

export function neighbour(shown: readonly Alarm[], presentId: string | null, by: 1 | -1): string | null {
  const at = shown.findIndex((one) => one.id === presentId);
  if (at < 0) return shown[0]?.id ?? null;
  return shown[Math.max(0, Math.min(shown.length - 1, at + by))]?.id ?? null;
}
