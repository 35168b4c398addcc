/** The one listener of the one registry of keys. */

import { ShortcutRegistry } from "../kit/shortcuts";

const KEPT = "civiscope.keys";

export interface Shortcuts {
  readonly registry: ShortcutRegistry;
  listen(target: Window): () => void;
}

export function createShortcuts(): Shortcuts {
  const registry = new ShortcutRegistry();
  registry.isOn = localStorage.getItem(KEPT) !== "off";
  return {
    registry,
    listen(target) {
      const press = (event: KeyboardEvent) => {
        registry.press(event);
      };
      target.addEventListener("keydown", press);
      return () => target.removeEventListener("keydown", press);
    },
  };
}

export function keepKeys(isOn: boolean): void {
  localStorage.setItem(KEPT, isOn ? "on" : "off");
}
