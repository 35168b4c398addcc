import { useEffect } from "react";
import { alarmsApi, type Alarm, type AlarmFile } from "../../api/alarms";
import { seeing } from "../../api/seeing";
import { go } from "../../kit/address";
import { Icon } from "../../kit/icons";
import { Link, Skeleton } from "../../kit/parts";
import { momentText, preciseText } from "../../kit/time";
import { aboutWords, alarmsText as words } from "../../text/alarms";
import { en } from "../../text/en";
import { directionWords, kindWords } from "../../text/seeing";
import { useAlarming } from "../../widgets/alarms/useAlarms";
import { EventPicture } from "../../widgets/EventPicture";
import { DeniedBox, ProblemBox } from "../../widgets/ProblemBox";
import { PurposeNeeded } from "../../widgets/PurposeNeeded";
import { purposeCovers, useAsked, useSite } from "../../widgets/site";
import { Around, Neighbours, useAround } from "./AlarmPictures";

/** One alarm: its pictures at once, what to do, and all that was done. */
export function AlarmDetail({ alarm }: { readonly alarm: Alarm }) {
  const { desk } = useAlarming();
  const site = useSite();
  const file = useAsked((signal) => alarmsApi.one(alarm.id, signal), `${alarm.id} ${alarm.version}`, null);
  const { value } = file;
  useEffect(() => {
    if (value !== null) desk.take([value]);
  }, [desk, value]);
  const camera = site.channels.value?.find((one) => one.id === alarm.channel_id)?.name ?? words.cameraGone;
  return (
    <article className="alarm-detail" aria-label={alarm.title} data-testid="alarm-detail" data-id={alarm.id}>
      <header className="alarm-head">
        <h2>{alarm.title}</h2>
        <p>
          <strong>{camera}</strong> · {kindWords(alarm.kind)} ·{" "}
          {aboutWords(alarm.kind, alarm.object_class, alarm.zone)}
        </p>
        <p className="hint">{standingWords(alarm, site.zone)}</p>
      </header>
      <Pictures alarm={alarm} file={value} />
      <div className="alarm-papers">
        <Procedure text={alarm.procedure} ruleId={alarm.rule_id} />
        <section aria-label={words.history}>
          <h3>{words.history}</h3>
          {value === null && file.problem === null && <Skeleton rows={3} label={en.common.loading} />}
          {file.problem !== null && <ProblemBox problem={file.problem} onRetry={file.refresh} />}
          {value !== null && <History file={value} />}
        </section>
      </div>
    </article>
  );
}

function standingWords(alarm: Alarm, zone: string): string {
  const at = (us: number) => momentText(us, zone);
  const parts = [
    alarm.owner === null ? words.unowned : words.owned(alarm.owner.name),
    ...(alarm.state === "parked" && alarm.parked_until_us !== null
      ? [words.until(at(alarm.parked_until_us))]
      : []),
    ...(alarm.state === "closed" ? [words.closedFor(alarm.close_reason)] : []),
    ...(alarm.count > 1
      ? [words.foldedLong(alarm.count), words.firstLast(at(alarm.raised_us), at(alarm.last_us))]
      : [at(alarm.raised_us)]),
    words.priority(words.priorities[alarm.priority] ?? alarm.priority),
    ...(alarm.escalations > 0 ? [words.escalated(alarm.escalations)] : []),
    ...(alarm.rule_name === "" ? [] : [`${words.rule}: ${alarm.rule_name}`]),
  ];
  return parts.join(" · ");
}

function Pictures({ alarm, file }: { readonly alarm: Alarm; readonly file: AlarmFile | null }) {
  const site = useSite();
  const channelId = alarm.channel_id;
  if (channelId === null) return <p className="hint">{words.noCamera}</p>;
  if (!site.can("video.playback")) return <DeniedBox permission="video.playback" />;
  if (site.purpose === null) return <PurposeNeeded lacks={null} />;
  if (!purposeCovers(site, "playback")) return <PurposeNeeded lacks={en.live.purposeLacksPlayback} />;
  return (
    <>
      <EventPictures
        key={`${alarm.id} ${site.purpose}`}
        alarm={alarm}
        channelId={channelId}
        purpose={site.purpose}
      />
      {file !== null && (
        <Neighbours ids={file.neighbours} channels={site.channels.value ?? []} purpose={site.purpose} />
      )}
    </>
  );
}

interface EventPicturesProps {
  readonly alarm: Alarm;
  readonly channelId: string;
  readonly purpose: string;
}

function EventPictures({ alarm, channelId, purpose }: EventPicturesProps) {
  const site = useSite();
  // An alarm is raised within a second of what it is about: that is exact enough to begin at once.
  const group = useAround(alarm.raised_us);
  const eventId = site.can("event.read") ? alarm.event_id : null;
  const about = aboutWords(alarm.kind, alarm.object_class, alarm.zone);
  return (
    <>
      <Around group={group} atUs={alarm.raised_us} channelId={channelId} purpose={purpose} />
      <section className="alarm-best" aria-label={words.best}>
        <h3>{words.best}</h3>
        {alarm.has_picture && alarm.event_id !== null ? (
          <EventPicture
            group={group}
            tileKey="tile-0"
            eventId={alarm.event_id}
            atUs={alarm.raised_us}
            alt={words.bestAlt(about)}
          />
        ) : (
          <p className="hint">{words.noPicture}</p>
        )}
        {eventId !== null && <EventFacts eventId={eventId} />}
      </section>
    </>
  );
}

function EventFacts({ eventId }: { readonly eventId: string }) {
  const { zone } = useSite();
  const asked = useAsked((signal) => seeing.event(eventId, signal), eventId, null);
  const event = asked.value;
  if (event === null) return null;
  const facts = [
    kindWords(event.kind),
    directionWords(event.direction),
    preciseText(event.began_us, zone),
    event.score !== null && event.score > 0 ? `${Math.round(event.score * 100)} %` : "",
    event.detector,
  ];
  return (
    <p className="hint">
      <Icon name="eye" /> {facts.filter((one) => one !== "").join(" · ")}
    </p>
  );
}

function Procedure({ text, ruleId }: { readonly text: string; readonly ruleId: string | null }) {
  const steps = text
    .split("\n")
    .map((one) => one.trim())
    .filter((one) => one !== "");
  return (
    <section aria-label={words.procedure} data-testid="alarm-procedure">
      <h3>{words.procedure}</h3>
      {steps.length === 0 && (
        <p className="hint">
          {words.noProcedure}{" "}
          <Link to={ruleId === null ? "/rules" : `/rules/${ruleId}`} go={go}>
            {words.writeOne}
          </Link>
        </p>
      )}
      {steps.length === 1 && <p>{steps[0]}</p>}
      {steps.length > 1 && (
        <ol>
          {steps.map((one) => (
            <li key={one}>{one}</li>
          ))}
        </ol>
      )}
    </section>
  );
}

function History({ file }: { readonly file: AlarmFile }) {
  const { zone } = useSite();
  return (
    <>
      <p className="hint">{words.historyHint}</p>
      <ol className="plain history" data-testid="alarm-history">
        {file.history.map((line, index) => (
          <li key={`${line.at_us} ${index}`}>
            <time className="mono">{momentText(line.at_us, zone)}</time>
            <span>
              <strong>{line.who}</strong> {words.whats[line.what] ?? line.what}
              {line.note !== "" && <q>{line.note}</q>}
            </span>
          </li>
        ))}
      </ol>
    </>
  );
}
