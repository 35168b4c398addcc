/** Alarms and their sound, for whoever stands in the shell. */

import { createContext, useContext, useSyncExternalStore } from "react";
import type { AlarmBoard, AlarmDesk } from "./alarmDesk";
import type { AlarmSound, SoundState } from "./alarmSound";

export interface Alarming {
  readonly desk: AlarmDesk;
  readonly sound: AlarmSound;
}

/** Null for who may handle no alarms. */
export const AlarmContext = createContext<Alarming | null>(null);

export function useAlarming(): Alarming {
  const alarming = useContext(AlarmContext);
  if (alarming === null) throw new Error("useAlarming outside of AlarmContext");
  return alarming;
}

export function useBoard({ desk }: Alarming): AlarmBoard {
  return useSyncExternalStore(desk.listen, desk.snapshot);
}

export function useSound({ sound }: Alarming): SoundState {
  return useSyncExternalStore(sound.listen, sound.snapshot);
}
