/** What was seen on one camera around the part of time that is shown. */

import { useContext, useMemo, useSyncExternalStore } from "react";
import { serverClock } from "../../api/client";
import { seeing, type ReasonedSpan, type SeenEvent } from "../../api/seeing";
import type { AlarmBoard } from "../alarms/alarmDesk";
import { AlarmContext } from "../alarms/useAlarms";
import { useAsked, useSite } from "../site";
import { askedFor, widthUs, type View } from "../timelineModel";

export const EVENTS_MOST = 500;
const NOBODY = "00000000-0000-0000-0000-000000000000";
const NO_EVENTS = { ok: true, value: { events: [], next: null } } as const;
const NO_COVERAGE = { ok: true, value: { channels: [] } } as const;

export interface Seen {
  readonly events: readonly SeenEvent[];
  readonly spans: readonly ReasonedSpan[];
  /** There are more events than are drawn. */
  readonly isCut: boolean;
}

export function useSeen(channelId: string | null, view: View): Seen {
  const { can } = useSite();
  const isAsked = can("event.read") && channelId !== null;
  const ids = [channelId ?? NOBODY];
  const width = widthUs(view);
  const level = Math.round(Math.log2(width));
  const page = Math.floor(view.startUs / (2 ** level / 2));
  const around = askedFor(view);
  const everyMs = view.endUs > serverClock.nowUs() - width ? 3_000 : 30_000;
  const key = `${String(isAsked)} ${ids.join()} ${level} ${page}`;
  const events = useAsked(
    (signal) =>
      isAsked
        ? seeing.events(
            { channels: ids, fromUs: around.startUs, toUs: around.endUs, limit: EVENTS_MOST },
            signal,
          )
        : Promise.resolve(NO_EVENTS),
    key,
    everyMs,
  );
  const coverage = useAsked(
    (signal) =>
      isAsked ? seeing.coverage(ids, around.startUs, around.endUs, signal) : Promise.resolve(NO_COVERAGE),
    key,
    everyMs,
  );
  const found = events.value?.events;
  const channels = coverage.value?.channels;
  return useMemo(
    () => ({
      // An answer for another camera is not drawn on this one.
      events: (found ?? []).filter((one) => one.channel_id === channelId),
      spans: channels?.find((one) => one.id === channelId)?.spans ?? [],
      isCut: events.value?.next != null,
    }),
    [found, channels, channelId, events.value?.next],
  );
}

const NEVER = () => () => undefined;
const NO_BOARD = (): AlarmBoard | null => null;

/** Events that an alarm was raised of, as far as alarms are known here. */
export function useRaised(): ReadonlySet<string> {
  const alarming = useContext(AlarmContext);
  const board = useSyncExternalStore<AlarmBoard | null>(
    alarming?.desk.listen ?? NEVER,
    alarming?.desk.snapshot ?? NO_BOARD,
  );
  const alarms = board?.alarms;
  return useMemo(
    () =>
      new Set([...(alarms?.values() ?? [])].flatMap((one) => (one.event_id === null ? [] : [one.event_id]))),
    [alarms],
  );
}
