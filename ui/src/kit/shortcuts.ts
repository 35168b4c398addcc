/**
 * The one registry of keys: scopes, silent in fields, switched off as a whole (WCAG 2.1.4). `app` makes it and
 * listens once on the window; pages and widgets register what they answer to.
 */

import { createContext, useContext, useEffect, useRef } from "react";

export interface Shortcut {
  /** `KeyboardEvent.key`, with `Ctrl+` or `Shift+` before it where held. */
  readonly key: string;
  readonly words: string;
  readonly scope: string;
  readonly run: () => void;
}

export function keyOf(event: KeyboardEvent): string {
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const shift = event.shiftKey && event.key.length > 1 ? "Shift+" : "";
  return `${event.ctrlKey || event.metaKey ? "Ctrl+" : ""}${shift}${name}`;
}

/** Typing is going on, or the focused control has a use of its own for the key. */
export function isSilent(event: KeyboardEvent): boolean {
  const { target } = event;
  if (event.altKey || event.defaultPrevented || !(target instanceof HTMLElement))
    return event.defaultPrevented;
  // A dialog has its own Escape.
  if (target.isContentEditable || document.querySelector("dialog[open]") !== null) return true;
  if (["INPUT", "SELECT", "TEXTAREA"].includes(target.tagName)) return true;
  const isPress = event.key === " " || event.key === "Enter";
  return isPress && ["BUTTON", "A", "SUMMARY"].includes(target.tagName);
}

export class ShortcutRegistry {
  private readonly entries = new Map<symbol, Shortcut>();
  isOn = true;

  add(shortcut: Shortcut): () => void {
    const token = Symbol(shortcut.key);
    this.entries.set(token, shortcut);
    return () => this.entries.delete(token);
  }

  switch(isOn: boolean): void {
    this.isOn = isOn;
  }

  list(): readonly Shortcut[] {
    return [...this.entries.values()];
  }

  /** Run what was registered last for the key; true when something was. */
  press(event: KeyboardEvent): boolean {
    if (!this.isOn || isSilent(event)) return false;
    const key = keyOf(event);
    const found = [...this.entries.values()].reverse().find((entry) => entry.key === key);
    if (found === undefined) return false;
    event.preventDefault();
    found.run();
    return true;
  }
}

export const ShortcutContext = createContext<ShortcutRegistry | null>(null);

/** Answer to keys while the component is there. */
export function useShortcuts(scope: string, keys: readonly (readonly [string, string, () => void])[]): void {
  const registry = useContext(ShortcutContext);
  const latest = useRef(keys);
  useEffect(() => {
    latest.current = keys;
  });
  const signature = keys.map(([key]) => key).join("\n");
  useEffect(() => {
    if (registry === null) return undefined;
    const removers = latest.current.map(([key, words], index) =>
      registry.add({ key, words, scope, run: () => latest.current[index]?.[2]() }),
    );
    return () => removers.forEach((remove) => remove());
  }, [registry, scope, signature]);
}
