/** The one place that calls the server's HTTP door; every answer is a `Result`. */

import type { Made } from "./liveMessages";
import { ABORTED, failed, problemOf, succeeded, type Result } from "./result";
import type {
  AuditPage,
  CameraAddress,
  CameraDraft,
  Channel,
  Look,
  LookWish,
  Probed,
  SentPicture,
  Session,
  SetupState,
  SystemStatus,
  Timeline,
  WhepAnswer,
} from "./types";

const ROOT = "/api/v1";
const DEADLINE_MS = 15_000;

/** Server time as this browser can tell it: from the last session answer, refined by live sockets. */
export interface ServerClock {
  nowUs(): number;
  /** Take a measurement: the server said `serverUs` when our monotonic clock stood between the two. */
  measure(serverUs: number, sentMs: number, receivedMs: number): void;
}

export function createServerClock(): ServerClock {
  let offsetUs = Date.now() * 1000 - performance.now() * 1000;
  let bestRoundTripMs = Number.POSITIVE_INFINITY;
  let measuredAtMs = 0;
  return {
    nowUs: () => Math.round(performance.now() * 1000 + offsetUs),
    measure(serverUs, sentMs, receivedMs) {
      const roundTripMs = receivedMs - sentMs;
      const isOld = receivedMs - measuredAtMs > 30_000;
      if (roundTripMs > bestRoundTripMs && !isOld) return;
      bestRoundTripMs = roundTripMs;
      measuredAtMs = receivedMs;
      offsetUs = serverUs - ((sentMs + receivedMs) / 2) * 1000;
    },
  };
}

export const serverClock = createServerClock();

async function bodyOf(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return null;
  }
}

/** What one block request of recorded pictures answers. */
export interface MediaBlock {
  readonly bytes: ArrayBuffer | null;
  readonly startUs: number | null;
  readonly endUs: number | null;
  readonly nextUs: number | null;
  readonly mseType: string | null;
  readonly made: Made;
}

function micros(text: string | null): number | null {
  if (text === null || text === "") return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

/** A body that is not JSON: what one WebRTC end says of itself. */
class Sdp {
  constructor(readonly text: string) {}
}

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export class Client {
  private csrfToken = "";
  /** Called when the server no longer knows our session. */
  onSignedOut: () => void = () => undefined;

  private async send(
    method: Method,
    path: string,
    body?: unknown,
    signal?: AbortSignal,
  ): Promise<Result<Response>> {
    const headers: Record<string, string> = { Accept: "application/json" };
    if (method !== "GET") headers["X-CSRF-Token"] = this.csrfToken;
    const isSdp = body instanceof Sdp;
    if (body !== undefined) headers["Content-Type"] = isSdp ? "application/sdp" : "application/json";
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    try {
      const response = await fetch(ROOT + path, {
        method,
        headers,
        credentials: "same-origin",
        cache: "no-store",
        signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
        ...(body === undefined ? {} : { body: isSdp ? body.text : JSON.stringify(body) }),
      });
      if (response.ok) return succeeded(response);
      const problem = problemOf(response.status, await bodyOf(response), response.headers.get("Retry-After"));
      if (problem.kind === "unauthenticated" && !path.startsWith("/session")) this.onSignedOut();
      return failed(problem);
    } catch {
      if (signal?.aborted) return ABORTED;
      const kind = deadline.aborted ? "timeout" : "offline";
      return failed({ kind, message: "", status: 0, retryAfterS: null });
    }
  }

  /** One call by its row in the table of calls; for the modules beside this one in `api`. */
  async json<T>(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<Result<T>> {
    const sent = await this.send(method, path, body, signal);
    if (!sent.ok) return sent;
    if (sent.value.status === 204) return succeeded(undefined as T);
    return succeeded((await bodyOf(sent.value)) as T);
  }

  setup(signal?: AbortSignal): Promise<Result<SetupState>> {
    return this.json("GET", "/setup", undefined, signal);
  }

  createFirstAdministrator(code: string, name: string, password: string): Promise<Result<unknown>> {
    return this.json("POST", "/setup", { code, name, password });
  }

  signIn(name: string, password: string, code?: string): Promise<Result<unknown>> {
    return this.json("POST", "/session", { name, password, ...(code === undefined ? {} : { code }) });
  }

  async session(signal?: AbortSignal): Promise<Result<Session>> {
    const sentMs = performance.now();
    const answer = await this.json<Session>("GET", "/session", undefined, signal);
    if (answer.ok) {
      this.csrfToken = answer.value.csrf_token;
      serverClock.measure(answer.value.server_time_us, sentMs, performance.now());
    }
    return answer;
  }

  signOut(): Promise<Result<unknown>> {
    return this.json("DELETE", "/session");
  }

  channels(signal?: AbortSignal): Promise<Result<readonly Channel[]>> {
    return this.json("GET", "/channels", undefined, signal);
  }

  probe(address: CameraAddress, signal?: AbortSignal): Promise<Result<Probed>> {
    return this.json("POST", "/cameras/probe", address, signal);
  }

  addCamera(draft: CameraDraft): Promise<Result<Channel>> {
    return this.json("POST", "/cameras", draft);
  }

  editCamera(channelId: string, change: { name?: string; audio?: boolean }): Promise<Result<Channel>> {
    return this.json("PATCH", `/cameras/${encodeURIComponent(channelId)}`, change);
  }

  removeCamera(channelId: string): Promise<Result<unknown>> {
    return this.json("DELETE", `/cameras/${encodeURIComponent(channelId)}`);
  }

  restoreCamera(channelId: string): Promise<Result<Channel>> {
    return this.json("POST", `/cameras/${encodeURIComponent(channelId)}/restore`);
  }

  /** Cameras that were removed and can come back. */
  removedChannels(signal?: AbortSignal): Promise<Result<readonly Channel[]>> {
    return this.json("GET", "/channels?removed=true", undefined, signal);
  }

  timeline(
    channels: readonly string[],
    fromUs: number,
    toUs: number,
    resolutionUs: number,
    signal?: AbortSignal,
  ): Promise<Result<Timeline>> {
    const query = new URLSearchParams(channels.map((id) => ["channel", id]));
    query.set("from_us", String(Math.round(fromUs)));
    query.set("to_us", String(Math.round(toUs)));
    query.set("resolution_us", String(Math.max(0, Math.min(86_400_000_000, Math.round(resolutionUs)))));
    return this.json("GET", `/timeline?${query.toString()}`, undefined, signal);
  }

  /** Days (in the site's zone) on which one channel has recordings, and of how many seconds. */
  days(
    channelId: string,
    fromUs: number,
    toUs: number,
    signal?: AbortSignal,
  ): Promise<Result<{ readonly days: readonly string[]; readonly recorded_s: readonly number[] }>> {
    const query = new URLSearchParams({ channel: channelId, from_us: String(fromUs), to_us: String(toUs) });
    return this.json("GET", `/timeline/days?${query.toString()}`, undefined, signal);
  }

  openLook(wish: LookWish, signal?: AbortSignal): Promise<Result<Look>> {
    return this.json("POST", "/looks", wish, signal);
  }

  /** Watch a look over WebRTC: our offer in, the server's answer and its address of us out. */
  async whep(lookId: string, offer: string): Promise<Result<WhepAnswer>> {
    const sent = await this.send("POST", `/looks/${encodeURIComponent(lookId)}/whep`, new Sdp(offer));
    if (!sent.ok) return sent;
    const place = (sent.value.headers.get("Location") ?? "").replace(ROOT, "");
    return succeeded({ sdp: await sent.value.text(), place });
  }

  /** Which arrival the newest RTP timestamp stands for; `place` is the answer's. */
  whepSent(place: string): Promise<Result<SentPicture>> {
    return this.json("GET", `${place}/sent`);
  }

  closeLook(id: string): Promise<Result<unknown>> {
    return this.json("DELETE", `/looks/${encodeURIComponent(id)}`);
  }

  async media(
    lookId: string,
    atUs: number,
    durationUs: number,
    signal: AbortSignal,
  ): Promise<Result<MediaBlock>> {
    const path = `/looks/${encodeURIComponent(lookId)}/media?at_us=${Math.round(atUs)}&duration_us=${Math.round(durationUs)}`;
    const sent = await this.send("GET", path, undefined, signal);
    if (!sent.ok) return sent;
    const { headers, status } = sent.value;
    try {
      return succeeded({
        bytes: status === 204 ? null : await sent.value.arrayBuffer(),
        startUs: micros(headers.get("X-Start-Us")),
        endUs: micros(headers.get("X-End-Us")),
        nextUs: micros(headers.get("X-Next-Us")),
        mseType: headers.get("X-Mse-Type"),
        made: headers.get("X-Made") === "transcoded" ? "transcoded" : "as sent",
      });
    } catch {
      if (signal.aborted) return ABORTED;
      return failed({ kind: "offline", message: "", status: 0, retryAfterS: null });
    }
  }

  /** Address of the finished MP4 of an export look; the browser saves it itself. */
  downloadAddress(lookId: string): string {
    return `${ROOT}/looks/${encodeURIComponent(lookId)}/download`;
  }

  audit(limit: number, before: number | null, signal?: AbortSignal): Promise<Result<AuditPage>> {
    const query = new URLSearchParams({ limit: String(limit) });
    if (before !== null) query.set("before", String(before));
    return this.json("GET", `/audit?${query.toString()}`, undefined, signal);
  }

  status(signal?: AbortSignal): Promise<Result<SystemStatus>> {
    return this.json("GET", "/status", undefined, signal);
  }

  readonly authorityAddress = `${ROOT}/authority.pem`;
}

export const client = new Client();
