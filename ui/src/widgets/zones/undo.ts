/** What was before, and what was taken back. Pure. */

export interface Past<T> {
  readonly before: readonly T[];
  readonly now: T;
  readonly after: readonly T[];
  /** Steps with the same name directly after each other are one step (a drag, held arrow keys). */
  readonly step: string;
}

const MOST = 100;

export function begin<T>(now: T): Past<T> {
  return { before: [], now, after: [], step: "" };
}

export function did<T>(past: Past<T>, next: T, step = ""): Past<T> {
  const isSame = step !== "" && step === past.step;
  const before = isSame ? past.before : [...past.before, past.now].slice(-MOST);
  return { before, now: next, after: [], step };
}

export function undone<T>(past: Past<T>): Past<T> {
  const last = past.before[past.before.length - 1];
  if (last === undefined) return past;
  return { before: past.before.slice(0, -1), now: last, after: [past.now, ...past.after], step: "" };
}

export function redone<T>(past: Past<T>): Past<T> {
  const [next, ...after] = past.after;
  if (next === undefined) return past;
  return { before: [...past.before, past.now], now: next, after, step: "" };
}
