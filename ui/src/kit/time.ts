/** Times and amounts as people read them; all in a given zone, 24 hours, ISO dates. */

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  });
  formats.set(zone, made);
  return made;
}

export interface LocalTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

export function localTime(atUs: number, zone: string): LocalTime {
  const parts: Record<string, number> = {};
  for (const part of format(zone).formatToParts(Math.floor(atUs / 1000)))
    parts[part.type] = Number(part.value);
  return {
    year: parts["year"] ?? 0,
    month: parts["month"] ?? 0,
    day: parts["day"] ?? 0,
    hour: parts["hour"] ?? 0,
    minute: parts["minute"] ?? 0,
    second: parts["second"] ?? 0,
  };
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

export function dateText(atUs: number, zone: string): string {
  const at = localTime(atUs, zone);
  return `${at.year}-${two(at.month)}-${two(at.day)}`;
}

export function timeText(atUs: number, zone: string): string {
  const at = localTime(atUs, zone);
  return `${two(at.hour)}:${two(at.minute)}:${two(at.second)}`;
}

export function momentText(atUs: number, zone: string): string {
  return `${dateText(atUs, zone)} ${timeText(atUs, zone)}`;
}

/** With milliseconds, for the position of a picture. */
export function preciseText(atUs: number, zone: string): string {
  const ms = Math.floor((((atUs % 1_000_000) + 1_000_000) % 1_000_000) / 1000);
  return `${momentText(atUs, zone)}.${String(ms).padStart(3, "0")}`;
}

/** How far a zone's clocks stand before UTC at a moment, microseconds. */
export function zoneOffsetUs(atUs: number, zone: string): number {
  const at = localTime(atUs, zone);
  const asUtcS = Date.UTC(at.year, at.month - 1, at.day, at.hour, at.minute, at.second) / 1000;
  return (asUtcS - Math.floor(atUs / 1e6)) * 1e6;
}

/** The moment at which clocks in a zone show a date and time (the first, where they show it twice). */
export function momentOf(
  zone: string,
  year: number,
  month: number,
  day: number,
  hour = 0,
  minute = 0,
  second = 0,
) {
  const asUtcUs = Date.UTC(year, month - 1, day, hour, minute, second) * 1000;
  const guessUs = asUtcUs - zoneOffsetUs(asUtcUs, zone);
  return asUtcUs - zoneOffsetUs(guessUs, zone);
}

export function zoneName(zone: string, atUs: number): string {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZone: zone, timeZoneName: "short" }).formatToParts(
    atUs / 1000,
  );
  return parts.find((part) => part.type === "timeZoneName")?.value ?? zone;
}

export function ageText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return lengthText(ms * 1000);
}

export function lengthText(us: number): string {
  const totalS = Math.max(0, us / 1e6);
  if (totalS < 10) return `${totalS.toFixed(1)} s`;
  const s = Math.round(totalS);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

export function bytesText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value >= 100 || unit === 0 ? value.toFixed(0) : value.toFixed(1)} ${units[unit] ?? ""}`;
}

export function bitrateText(bps: number): string {
  return bps >= 1e6 ? `${(bps / 1e6).toFixed(1)} Mbit/s` : `${(bps / 1e3).toFixed(0)} kbit/s`;
}

/** The moment that a `datetime-local` field shows in a zone; null when it is empty or no date. */
export function typedMoment(text: string, zone: string): number | null {
  const parts = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2}))?/.exec(text);
  if (parts === null) return null;
  const groups: (string | undefined)[] = parts.slice(1); // the seconds are undefined when they were not typed
  const [year, month, day, hour, minute, second] = groups.map((part) => Number(part ?? 0));
  return momentOf(zone, year ?? 0, month ?? 1, day ?? 1, hour, minute, second);
}
