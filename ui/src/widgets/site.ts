/** What every page knows: who is signed in, for which purpose, which cameras there are. */

import { createContext, useContext, useEffect, useRef, useState } from "react";
import { serverClock } from "../api/client";
import type { Problem, Result } from "../api/result";
import type { Channel, Session } from "../api/types";

export interface Asked<T> {
  readonly value: T | null;
  readonly problem: Problem | null;
  /** UTC of the last good answer. */
  readonly answeredUs: number | null;
  readonly refresh: () => void;
}

/** Ask now, and again every `everyMs`; an old answer stays beside a new problem that is not a refusal. `key` names the question. */
export function useAsked<T>(
  ask: (signal: AbortSignal) => Promise<Result<T>>,
  key: string,
  everyMs: number | null,
): Asked<T> {
  const [state, setState] = useState<Omit<Asked<T>, "refresh">>({
    value: null,
    problem: null,
    answeredUs: null,
  });
  const [serial, setSerial] = useState(0);
  const latest = useRef(ask);
  useEffect(() => {
    latest.current = ask;
  });
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const run = async () => {
      const answer = await latest.current(abort.signal);
      if (abort.signal.aborted) return;
      if (answer.ok) setState({ value: answer.value, problem: null, answeredUs: serverClock.nowUs() });
      else if (!answer.aborted) {
        const { problem } = answer;
        // What one may not see any more does not stay on the screen; what cannot be asked just now does.
        setState((old) => ({ ...old, problem, value: problem.kind === "denied" ? null : old.value }));
      }
      const soon =
        !answer.ok && !answer.aborted && ["offline", "timeout", "unavailable"].includes(answer.problem.kind);
      const waitMs = everyMs ?? (soon ? 3_000 : null);
      if (waitMs !== null) timer = setTimeout(() => void run(), waitMs);
    };
    void run();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [key, everyMs, serial]);
  return { ...state, refresh: () => setSerial((now) => now + 1) };
}

export interface Site {
  readonly session: Session;
  readonly zone: string;
  readonly purpose: string | null;
  readonly setPurpose: (id: string | null) => void;
  readonly channels: Asked<readonly Channel[]>;
  readonly can: (permission: string) => boolean;
  readonly onSignedOut: () => void;
  /** Ask for the session anew: the site's name, host name or zone was changed. */
  readonly reload: () => void;
  /** Say something once, politely, at the edge of the screen; with a way back where there is one. */
  readonly say: (words: string, undo?: () => void) => void;
}

export const SiteContext = createContext<Site | null>(null);

export function useSite(): Site {
  const site = useContext(SiteContext);
  if (site === null) throw new Error("useSite outside of SiteContext");
  return site;
}

/** The stated purpose covers a function (`live`, `playback`, `export`). */
export function purposeCovers(site: Site, functionName: string): boolean {
  const purpose = site.session.purposes.find((one) => one.id === site.purpose);
  return purpose?.functions.includes(functionName) ?? false;
}
