import { useState } from "react";
import type { TimeProfile, WeekSpan } from "../api/people";
import { Field } from "../kit/parts";
import { grantText as words, WEEKDAYS } from "../text/people";

export interface Hours {
  readonly days: readonly number[];
  readonly from: string;
  readonly to: string;
}

export const WORKING_HOURS: Hours = { days: [0, 1, 2, 3, 4], from: "08:00", to: "17:00" };
export const NIGHT: Hours = { days: [0, 1, 2, 3, 4, 5, 6], from: "20:00", to: "06:00" };
const DAY_MIN = 1440;

function minuteOf(text: string): number {
  const [hours, minutes] = text.split(":");
  return Number(hours) * 60 + Number(minutes);
}

export function clockText(minute: number): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

/** One span a day; an end that is not after its beginning is one of the next day. */
export function spansOf({ days, from, to }: Hours): readonly WeekSpan[] {
  const [start, end] = [minuteOf(from), minuteOf(to)];
  return days.map((weekday) => ({
    weekday,
    from_minute: start,
    to_minute: start === 0 && end === 0 ? DAY_MIN : end,
  }));
}

export function profileOf(hours: Hours): TimeProfile {
  return { name: `${hours.from}–${hours.to}`, spans: spansOf(hours) };
}

/** The hours a profile was made of, where it was made here; null for one of another shape. */
export function hoursOf(profile: TimeProfile): Hours | null {
  const found = /^(\d{2}:\d{2})–(\d{2}:\d{2})$/.exec(profile.name);
  const [, from = "", to = ""] = found ?? [];
  if (from === "") return null;
  const days = [...new Set(profile.spans.map((span) => span.weekday))].sort();
  const hours = { days, from, to };
  const key = (spans: readonly WeekSpan[]) =>
    spans
      .map((span) => `${span.weekday} ${span.from_minute} ${span.to_minute}`)
      .sort()
      .join();
  return key(spansOf(hours)) === key(profile.spans) ? hours : null;
}

export function profileWords(profile: TimeProfile): string {
  const hours = hoursOf(profile);
  if (hours !== null) return `${dayWords(hours.days)} ${hours.from}–${hours.to}`;
  return profile.spans
    .map(
      (span) =>
        `${(WEEKDAYS[span.weekday] ?? "").slice(0, 3)} ${clockText(span.from_minute)}–${clockText(span.to_minute)}`,
    )
    .join(", ");
}

function dayWords(days: readonly number[]): string {
  if (days.length === 7) return words.everyDay;
  const short = (day: number | undefined) => (WEEKDAYS[day ?? 0] ?? "").slice(0, 3);
  const isRun = days.every((day, index) => index === 0 || day === (days[index - 1] ?? 0) + 1);
  return isRun && days.length > 2
    ? `${short(days[0])}–${short(days[days.length - 1])}`
    : days.map(short).join(", ");
}

interface WeekHoursProps {
  readonly hours: Hours;
  readonly disabled?: boolean;
  readonly onChange: (hours: Hours) => void;
}

/** Days of the week, and from when to when; up to an earlier hour means over midnight. */
export function WeekHours({ hours, disabled = false, onChange }: WeekHoursProps) {
  const { days, from, to } = hours;
  return (
    <>
      <fieldset className="checks choice-set">
        <legend>{words.days}</legend>
        <div className="choice-row">
          {WEEKDAYS.map((name, day) => (
            <label key={name} className="check">
              <input
                type="checkbox"
                checked={days.includes(day)}
                disabled={disabled}
                onChange={(event) =>
                  onChange({
                    ...hours,
                    days: event.target.checked ? [...days, day].sort() : days.filter((one) => one !== day),
                  })
                }
              />
              <span>{name}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <div className="two">
        <Field
          label={words.from}
          type="time"
          value={from}
          disabled={disabled}
          onChange={(next) => onChange({ ...hours, from: next })}
          required
        />
        <Field
          label={words.to}
          type="time"
          value={to}
          disabled={disabled}
          onChange={(next) => onChange({ ...hours, to: next })}
          required
        />
      </div>
      {minuteOf(to) <= minuteOf(from) && <p className="hint">{words.overMidnight}</p>}
    </>
  );
}

interface ScheduleProps {
  readonly label: string;
  readonly value: TimeProfile | null;
  readonly disabled?: boolean;
  readonly onChange: (profile: TimeProfile | null) => void;
  readonly testId?: string;
}

/** Always, or in hours of the week. A profile of another shape is kept until other hours are chosen. */
export function Schedule({ label, value, disabled = false, onChange, testId }: ScheduleProps) {
  const known = value === null ? null : hoursOf(value);
  const [hours, setHours] = useState<Hours>(known ?? NIGHT);
  const set = (next: Hours) => {
    setHours(next);
    onChange(profileOf(next));
  };
  return (
    <fieldset className="checks schedule" data-testid={testId}>
      <legend>{label}</legend>
      <div className="choice-row">
        <label className="check">
          <input
            type="radio"
            name={`${testId ?? label} when`}
            checked={value === null}
            disabled={disabled}
            onChange={() => onChange(null)}
          />
          <span>{words.always}</span>
        </label>
        <label className="check">
          <input
            type="radio"
            name={`${testId ?? label} when`}
            checked={value !== null}
            disabled={disabled}
            onChange={() => onChange(profileOf(hours))}
            data-testid={testId === undefined ? undefined : `${testId}-hours`}
          />
          <span>{words.inHours}</span>
        </label>
      </div>
      {value !== null && known === null && <p className="hint">{profileWords(value)}</p>}
      {value !== null && <WeekHours hours={known ?? hours} disabled={disabled} onChange={set} />}
    </fieldset>
  );
}
