/** The outcome of one question to the server; nothing in `api` throws for what a network can do. */

export type ErrorKind =
  | "invalid"
  | "unauthenticated"
  | "denied"
  | "missing"
  | "conflict"
  | "unavailable"
  | "exhausted"
  | "lost_data"
  | "timeout"
  | "internal"
  | "offline";

/** Why the server, or the way to it, said no; `message` is fit to be shown to a person. */
export interface Problem {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly status: number;
  readonly retryAfterS: number | null;
  /** The whole error of the answer: `fields` of a form, `trouble` of a camera. */
  readonly more?: Readonly<Record<string, unknown>>;
}

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly aborted: true; readonly problem: null }
  | { readonly ok: false; readonly aborted: false; readonly problem: Problem };

const KINDS: readonly ErrorKind[] = [
  "invalid",
  "unauthenticated",
  "denied",
  "missing",
  "conflict",
  "unavailable",
  "exhausted",
  "lost_data",
  "timeout",
  "internal",
];

const KIND_OF_STATUS: Readonly<Record<number, ErrorKind>> = {
  401: "unauthenticated",
  403: "denied",
  404: "missing",
  409: "conflict",
  410: "lost_data",
  422: "invalid",
  429: "exhausted",
  503: "unavailable",
  504: "timeout",
};

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** Read an error answer of any shape: ours, or what a proxy between us made of it. */
export function problemOf(status: number, body: unknown, retryAfter: string | null): Problem {
  const error = isRecord(body) && isRecord(body["error"]) ? body["error"] : {};
  const kind = KINDS.find((known) => known === error["kind"]) ?? KIND_OF_STATUS[status] ?? "internal";
  const message = typeof error["message"] === "string" ? error["message"] : `HTTP ${status}`;
  const inBody = error["retry_after_s"] ?? (isRecord(body) ? body["retry_after_s"] : null);
  const retry = typeof inBody === "number" ? inBody : Number.parseFloat(retryAfter ?? "");
  return { kind, message, status, retryAfterS: Number.isFinite(retry) ? retry : null, more: error };
}

export const ABORTED = { ok: false, aborted: true, problem: null } as const;

export function failed(problem: Problem): Result<never> {
  return { ok: false, aborted: false, problem };
}

export function succeeded<T>(value: T): Result<T> {
  return { ok: true, value };
}
