/** Words of alarms that stand in the frame of every page. */

const plural = (count: number, one: string, many: string) => (count === 1 ? `1 ${one}` : `${count} ${many}`);

/** Detectors that come with the product or are known to its registry. */
const DETECTORS: Readonly<Record<string, string>> = {
  builtin: "built-in detector",
  "yolox-nano": "YOLOX-nano",
  yolox_nano: "YOLOX-nano",
};

export const alarmingText = {
  counter: (count: number) =>
    count === 0 ? "No new alarms" : `${plural(count, "new alarm", "new alarms")}: open the list`,
  most: "9+",
  announce: (title: string, camera: string) => `New alarm: ${title}${camera === "" ? "" : `, ${camera}`}`,
  announceMany: (count: number) => `${count} new alarms`,
  announceRaised: (title: string) => `Nobody has taken this alarm: ${title}`,
  soundOn: "Alarm sound is on. Click to mute",
  soundOff: "Alarm sound is off. Click to switch it on",
  soundBlocked: "The browser plays no sound until you click or press a key here",
  offline: (since: string) =>
    `Not connected to alarms since ${since}. New ones may be missing from this list; trying again by itself.`,
  offlineNever: "Not connected to alarms yet. Trying by itself.",
  seeing: (detector: string, words: string) =>
    `Seeing: ${DETECTORS[detector] ?? (detector === "" ? words : detector)}`,
  seeingUnknown: "Seeing: not known just now",
} as const;
