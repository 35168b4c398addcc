import { useState } from "react";
import { client } from "../api/client";
import { Icon } from "../kit/icons";
import { Button } from "../kit/parts";
import { lengthText, localTime, momentOf } from "../kit/time";
import { en } from "../text/en";
import { useAsked } from "./site";
import { monthShape } from "./timelineModel";

interface CalendarProps {
  readonly channelId: string;
  readonly atUs: number;
  readonly zone: string;
  readonly onDay: (startUs: number) => void;
}

/** How many quarters of a day are recorded, begun ones too: 1 to 4. */
export function quartersOf(seconds: number): number {
  return Math.max(1, Math.min(4, Math.ceil((seconds - 60) / 21_600)));
}

/** One month; days with recordings are marked by how much of them is recorded, and can be chosen. */
export function Calendar({ channelId, atUs, zone, onDay }: CalendarProps) {
  const [shown, setShown] = useState(() => {
    const { year, month } = localTime(atUs, zone);
    return { year, month };
  });
  const { year, month } = shown;
  const startUs = momentOf(zone, year, month, 1);
  const endUs = momentOf(zone, month === 12 ? year + 1 : year, month === 12 ? 1 : month + 1, 1);
  const asked = useAsked(
    (signal) => client.days(channelId, startUs, endUs, signal),
    `${channelId} ${startUs}`,
    null,
  );
  const turn = (by: 1 | -1) =>
    setShown(({ year: y, month: m }) =>
      m + by < 1
        ? { year: y - 1, month: 12 }
        : m + by > 12
          ? { year: y + 1, month: 1 }
          : { year: y, month: m + by },
    );
  const { days, firstWeekday } = monthShape(year, month);
  const name = `${year}-${String(month).padStart(2, "0")}`;
  return (
    <section className="calendar" aria-label={en.playback.calendar} data-testid="calendar">
      <div className="calendar-head">
        <Button kind="quiet" label={en.playback.previousMonth} onClick={() => turn(-1)}>
          <Icon name="left" />
        </Button>
        <strong>{name}</strong>
        <Button kind="quiet" label={en.playback.nextMonth} onClick={() => turn(1)}>
          <Icon name="right" />
        </Button>
      </div>
      <div className={`calendar-days first-${firstWeekday}`}>
        {Array.from({ length: days }, (_, index) => {
          const day = `${name}-${String(index + 1).padStart(2, "0")}`;
          const found = asked.value?.days.indexOf(day) ?? -1;
          const hasRecording = found >= 0;
          const seconds = asked.value?.recorded_s[found] ?? 0;
          const words = lengthText(seconds * 1e6);
          return (
            <button
              key={day}
              type="button"
              className={hasRecording ? `day has-recording quarters-${quartersOf(seconds)}` : "day"}
              aria-label={hasRecording ? en.playback.dayWith(day, words) : en.playback.dayWithout(day)}
              title={hasRecording ? words : undefined}
              disabled={!hasRecording}
              onClick={() => onDay(momentOf(zone, year, month, index + 1))}
            >
              {index + 1}
            </button>
          );
        })}
      </div>
    </section>
  );
}
