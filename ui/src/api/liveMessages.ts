/** The live socket's binary messages: `u8 type | i64 at_us | payload` (docs/design/api.md). */

export type StreamState = "live" | "lost" | "connecting";

/** How the picture came about, as the server says it. */
export type Made = "as sent" | "second stream" | "transcoded";

export type LiveMessage =
  | { readonly type: "init"; readonly atUs: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly type: "fragment"; readonly atUs: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | {
      readonly type: "state";
      readonly atUs: number;
      readonly state: StreamState;
      readonly reason: string;
      readonly detail: string;
      readonly sinceUs: number | null;
      readonly mseType: string | null | undefined;
      readonly made: Made;
    }
  | { readonly type: "dropped"; readonly atUs: number; readonly count: number }
  | { readonly type: "clock"; readonly atUs: number; readonly pong: number | null };

const HEADER_BYTES = 9;

function jsonOf(bytes: Uint8Array): Record<string, unknown> {
  if (bytes.length === 0) return {};
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function numberOrNull(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

function stateMessage(atUs: number, body: Record<string, unknown>): LiveMessage {
  const state = body["state"];
  const mseType = body["mse_type"];
  const made = body["made"];
  return {
    type: "state",
    atUs,
    state: state === "live" || state === "lost" ? state : "connecting",
    reason: text(body["reason"]),
    detail: text(body["detail"]),
    sinceUs: numberOrNull(body["since_us"]),
    mseType: typeof mseType === "string" || mseType === null ? mseType : undefined,
    made: made === "second stream" || made === "transcoded" ? made : "as sent",
  };
}

/** Read one message; null when it is of a type from the future or cut short. */
export function readLiveMessage(buffer: ArrayBuffer): LiveMessage | null {
  if (buffer.byteLength < HEADER_BYTES) return null;
  const view = new DataView(buffer);
  const atUs = Number(view.getBigInt64(1));
  const bytes = new Uint8Array(buffer, HEADER_BYTES);
  switch (view.getUint8(0)) {
    case 1:
      return { type: "init", atUs, bytes };
    case 2:
      return { type: "fragment", atUs, bytes };
    case 3:
      return stateMessage(atUs, jsonOf(bytes));
    case 4:
      return { type: "dropped", atUs, count: numberOrNull(jsonOf(bytes)["count"]) ?? 0 };
    case 5:
      return { type: "clock", atUs, pong: numberOrNull(jsonOf(bytes)["pong"]) };
    default:
      return null;
  }
}
