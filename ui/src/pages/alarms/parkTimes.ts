import { localTime, momentOf } from "../../kit/time";

/** 08:00 of the day after, by the clocks of the site. */
export function tomorrowAtEight(nowUs: number, zone: string): number {
  const now = localTime(nowUs, zone);
  const day = new Date(Date.UTC(now.year, now.month - 1, now.day + 1));
  return momentOf(zone, day.getUTCFullYear(), day.getUTCMonth() + 1, day.getUTCDate(), 8);
}
