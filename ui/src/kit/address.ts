/** The page's address: path and query, so that every view can be copied, sent and opened. */

import { useSyncExternalStore } from "react";

const CHANGED = "civiscope:address";

function subscribe(listener: () => void): () => void {
  window.addEventListener("popstate", listener);
  window.addEventListener(CHANGED, listener);
  return () => {
    window.removeEventListener("popstate", listener);
    window.removeEventListener(CHANGED, listener);
  };
}

export function useAddress(): URL {
  const href = useSyncExternalStore(subscribe, () => location.href);
  return new URL(href);
}

export function go(path: string): void {
  history.pushState(null, "", path);
  window.dispatchEvent(new Event(CHANGED));
}

/** Another address in place of this one: a step that "back" need not undo. */
export function replace(path: string): void {
  history.replaceState(null, "", path);
  window.dispatchEvent(new Event(CHANGED));
}

/** Change the query without a step in the history; listeners are not told. */
export function note(query: Readonly<Record<string, string | null>>): void {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === "") url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  history.replaceState(null, "", url);
}
