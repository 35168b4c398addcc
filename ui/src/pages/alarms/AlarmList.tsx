import { useEffect, useRef } from "react";
import type { Alarm } from "../../api/alarms";
import { Icon, type IconName } from "../../kit/icons";
import { ageText, dateText, momentText, timeText, zoneName } from "../../kit/time";
import { aboutWords, alarmsText as words } from "../../text/alarms";
import { kindWords } from "../../text/seeing";
import { useSite } from "../../widgets/site";
import { useNow } from "../../widgets/useNow";

const STATE_SIGNS: Readonly<Record<string, IconName>> = {
  new: "alarm",
  claimed: "person",
  parked: "waiting",
  closed: "check",
};

interface AlarmListProps {
  readonly alarms: readonly Alarm[];
  readonly chosenId: string | null;
  readonly ticked: ReadonlySet<string>;
  readonly onChoose: (id: string) => void;
  readonly onTick: (id: string, isTicked: boolean) => void;
}

/** One row an alarm: what, where, when, how old, whose, how often. */
export function AlarmList(props: AlarmListProps) {
  const nowUs = useNow(5_000);
  return (
    <ul className="alarm-list" aria-label={words.list} data-testid="alarm-list">
      {props.alarms.map((alarm) => (
        <AlarmRow
          key={alarm.id}
          alarm={alarm}
          nowUs={nowUs}
          isChosen={alarm.id === props.chosenId}
          isTicked={props.ticked.has(alarm.id)}
          onChoose={() => props.onChoose(alarm.id)}
          onTick={(isTicked) => props.onTick(alarm.id, isTicked)}
        />
      ))}
    </ul>
  );
}

interface RowProps {
  readonly alarm: Alarm;
  readonly nowUs: number;
  readonly isChosen: boolean;
  readonly isTicked: boolean;
  readonly onChoose: () => void;
  readonly onTick: (isTicked: boolean) => void;
}

function AlarmRow({ alarm, nowUs, isChosen, isTicked, onChoose, onTick }: RowProps) {
  const site = useSite();
  const { zone } = site;
  const row = useRef<HTMLLIElement>(null);
  useEffect(() => {
    // Where the list stands under the pictures, coming to the row would push them out of sight.
    const isBeside = matchMedia("(min-width: 60.01rem)").matches;
    if (isChosen && isBeside) row.current?.scrollIntoView({ block: "nearest" });
  }, [isChosen]);
  const camera = site.channels.value?.find((one) => one.id === alarm.channel_id)?.name ?? words.cameraGone;
  const isToday = dateText(alarm.raised_us, zone) === dateText(nowUs, zone);
  const at = isToday ? timeText(alarm.raised_us, zone) : momentText(alarm.raised_us, zone);
  const long = `${momentText(alarm.raised_us, zone)} ${zoneName(zone, alarm.raised_us)}`;
  const classes = ["alarm-row", `is-${alarm.state}`, `priority-${alarm.priority}`];
  if (isChosen) classes.push("is-chosen");
  return (
    <li
      ref={row}
      className={classes.join(" ")}
      data-testid="alarm"
      data-id={alarm.id}
      data-state={alarm.state}
    >
      <label className="check alarm-tick">
        <input type="checkbox" checked={isTicked} onChange={(event) => onTick(event.target.checked)} />
        <span className="visually-hidden">{words.tick(alarm.title, at)}</span>
      </label>
      <button type="button" className="alarm-open" aria-current={isChosen} onClick={onChoose}>
        <span className="alarm-sign">
          <Icon name={STATE_SIGNS[alarm.state] ?? "alarm"} />
        </span>
        <span className="alarm-what">
          <span className="alarm-title">
            <strong>{alarm.title}</strong>
            {alarm.count > 1 && (
              <span className="tag" title={words.foldedLong(alarm.count)}>
                {words.folded(alarm.count)}
              </span>
            )}
          </span>
          <span className="hint">
            {camera} · {kindWords(alarm.kind)} · {aboutWords(alarm.kind, alarm.object_class, alarm.zone)}
          </span>
          <span className="hint">
            {words.states[alarm.state]}
            {alarm.owner !== null && ` · ${alarm.owner.name}`}
            {alarm.parked_until_us !== null &&
              alarm.state === "parked" &&
              ` · ${words.until(timeText(alarm.parked_until_us, zone))}`}
            {alarm.priority !== "normal" && (
              <strong className="alarm-priority"> · {words.priorities[alarm.priority]}</strong>
            )}
          </span>
        </span>
        <span className="alarm-when mono">
          <time title={long}>{at}</time>
          <span className="hint">
            {words.ago(ageText(Math.max(1000, (nowUs - alarm.raised_us) / 1000)).replace(/\.\d s/, " s"))}
          </span>
        </span>
      </button>
    </li>
  );
}
