/** The one subscription to alarms: text messages of changed alarms and counts (docs/design/seeing.md). */

import type { Alarm, AlarmCounts } from "./alarms";

export type AlarmMessage =
  | { readonly type: "alarm"; readonly alarm: Alarm }
  | { readonly type: "counts"; readonly counts: AlarmCounts };

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isAlarm(value: Readonly<Record<string, unknown>>): boolean {
  return (
    typeof value["id"] === "string" &&
    typeof value["version"] === "number" &&
    typeof value["state"] === "string"
  );
}

/** What one text says; a message of a kind from the future says nothing. */
export function readAlarmMessages(text: string): readonly AlarmMessage[] {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return [];
  }
  if (!isRecord(body)) return [];
  const found: AlarmMessage[] = [];
  const { alarm, counts } = body;
  if (isRecord(alarm) && isAlarm(alarm)) found.push({ type: "alarm", alarm: alarm as unknown as Alarm });
  if (isRecord(counts) && typeof counts["new"] === "number") {
    found.push({ type: "counts", counts: counts as unknown as AlarmCounts });
  }
  return found;
}

export interface AlarmSocketEvents {
  onOpen(): void;
  onMessage(message: AlarmMessage): void;
  /** Called once. */
  onClosed(code: number): void;
}

export function openAlarmSocket(events: AlarmSocketEvents): { close(): void } {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(`${scheme}//${location.host}/api/v1/alarms/live`);
  let closed = false;
  socket.onopen = () => {
    if (!closed) events.onOpen();
  };
  socket.onmessage = (event: MessageEvent<unknown>) => {
    if (closed || typeof event.data !== "string") return;
    for (const message of readAlarmMessages(event.data)) events.onMessage(message);
  };
  socket.onclose = (event) => {
    if (closed) return;
    closed = true;
    events.onClosed(event.code);
  };
  return {
    close() {
      closed = true;
      socket.close();
    },
  };
}
