import { useState } from "react";
import { seeing, type EventPage, type SeenEvent } from "../../api/seeing";
import type { Channel } from "../../api/types";
import { SelectField } from "../../kit/forms";
import { Icon, type IconName } from "../../kit/icons";
import { Button, Skeleton } from "../../kit/parts";
import { dateText, momentText, timeText } from "../../kit/time";
import { en } from "../../text/en";
import { DEVICE_KINDS, eventsText as words, kindWords, sortWords, SORTS_OFFERED } from "../../text/seeing";
import { EventPicture } from "../EventPicture";
import { DeniedBox, ProblemBox } from "../ProblemBox";
import type { PlaybackGroup } from "../player/playbackGroup";
import { useAsked, useSite } from "../site";
import { useNow } from "../useNow";
import { shapeOfKind, type MarkShape } from "./eventMarks";
import { eventDetails, eventWords } from "./eventWords";

const EVERY_MS = 5_000;
const KINDS = ["zone.entered", "zone.present", "zone.left", "line.crossed", ...DEVICE_KINDS];
export const SHAPE_SIGNS: Readonly<Record<MarkShape, IconName>> = {
  square: "square",
  arrow: "stepOn",
  diamond: "diamond",
  circle: "dot",
};

interface EventSideProps {
  readonly channel: Channel | null;
  readonly group: PlaybackGroup;
  readonly tileKey: string;
  readonly zone: string;
  readonly raised: ReadonlySet<string>;
  readonly onGo: (atUs: number) => void;
}

/** Events of the selected camera, newest first: the list form of the timeline's marks, with filters. */
export function EventSide(props: EventSideProps) {
  const { can } = useSite();
  const { channel } = props;
  return (
    <aside className="event-side" aria-label={words.title} data-testid="event-side">
      <h2>{channel === null ? words.title : words.list(channel.name)}</h2>
      {!can("event.read") && <DeniedBox permission="event.read" />}
      {can("event.read") && channel === null && <p className="hint">{words.choose}</p>}
      {can("event.read") && channel !== null && <Listed key={channel.id} {...props} channel={channel} />}
    </aside>
  );
}

function Listed({
  channel,
  group,
  tileKey,
  zone,
  raised,
  onGo,
}: EventSideProps & { readonly channel: Channel }) {
  const [kind, setKind] = useState("");
  const [sort, setSort] = useState("");
  const [chosen, setChosen] = useState<SeenEvent | null>(null);
  const query = {
    channels: [channel.id],
    kinds: kind === "" ? [] : [kind],
    classes: sort === "" ? [] : [sort],
  };
  const key = `${channel.id} ${kind} ${sort}`;
  const asked = useAsked((signal) => seeing.events(query, signal), key, EVERY_MS);
  const older = useOlder(key);
  const { events, next } = joined(asked.value, older);
  const nowUs = useNow(60_000);
  const at = (us: number) =>
    dateText(us, zone) === dateText(nowUs, zone) ? timeText(us, zone) : momentText(us, zone);
  return (
    <>
      <Filters kind={kind} sort={sort} onKind={setKind} onSort={setSort} />
      {asked.value === null && asked.problem === null && <Skeleton rows={5} label={en.common.loading} />}
      {asked.problem !== null && <ProblemBox problem={asked.problem} onRetry={asked.refresh} />}
      {asked.value !== null && events.length === 0 && (
        <p className="hint" data-testid="events-empty">
          {kind === "" && sort === "" ? words.emptyHint(channel.name) : words.nothing}
        </p>
      )}
      {chosen !== null && chosen.has_picture && (
        <ChosenPicture event={chosen} group={group} tileKey={tileKey} />
      )}
      <ol className="plain event-list" data-testid="event-list">
        {events.map((one) => (
          <li key={one.id}>
            <button
              type="button"
              className="event-row"
              aria-current={one.id === chosen?.id}
              aria-label={words.go(eventWords(one), at(one.began_us))}
              onClick={() => {
                setChosen(one);
                onGo(one.began_us);
              }}
              data-testid="event"
            >
              <span className={raised.has(one.id) ? "event-sign is-raised" : "event-sign"}>
                <Icon name={raised.has(one.id) ? "alarm" : SHAPE_SIGNS[shapeOfKind(one.kind)]} />
              </span>
              <span>
                {eventWords(one)}
                <span className="hint">{eventDetails(one)}</span>
              </span>
              <time className="mono" title={momentText(one.began_us, zone)}>
                {at(one.began_us)}
              </time>
            </button>
          </li>
        ))}
      </ol>
      {next !== null && (
        <Button onClick={() => void older.load(query, next)} testId="events-older">
          {words.older}
        </Button>
      )}
    </>
  );
}

interface Older {
  readonly events: readonly SeenEvent[];
  /** Undefined: no older page was asked for yet. */
  readonly next: string | null | undefined;
}

/** The newest page, and below it the older ones. */
function joined(page: EventPage | null, older: Older): EventPage {
  const newest = page?.events ?? [];
  const ids = new Set(newest.map((one) => one.id));
  return {
    events: [...newest, ...older.events.filter((one) => !ids.has(one.id))],
    next: older.next === undefined ? (page?.next ?? null) : older.next,
  };
}

interface ChosenProps {
  readonly event: SeenEvent;
  readonly group: PlaybackGroup;
  readonly tileKey: string;
}

function ChosenPicture({ event, group, tileKey }: ChosenProps) {
  return (
    <EventPicture
      key={event.id}
      group={group}
      tileKey={tileKey}
      eventId={event.id}
      atUs={event.began_us}
      alt={words.picture(eventWords(event))}
    />
  );
}

interface FiltersProps {
  readonly kind: string;
  readonly sort: string;
  readonly onKind: (kind: string) => void;
  readonly onSort: (sort: string) => void;
}

function Filters({ kind, sort, onKind, onSort }: FiltersProps) {
  return (
    <div className="event-filters">
      <SelectField
        label={words.kind}
        value={kind}
        options={[
          { value: "", words: words.all },
          ...KINDS.map((one) => ({ value: one, words: kindWords(one) })),
        ]}
        onChange={onKind}
        testId="event-kind"
      />
      <SelectField
        label={words.sort}
        value={sort}
        options={[
          { value: "", words: words.all },
          ...SORTS_OFFERED.map((one) => ({ value: one, words: sortWords(one) })),
        ]}
        onChange={onSort}
        testId="event-class"
      />
    </div>
  );
}

/** Pages after the first; forgotten when the question changes. */
function useOlder(key: string) {
  const [older, setOlder] = useState<{
    readonly key: string;
    readonly events: readonly SeenEvent[];
    readonly next: string | null | undefined;
  }>({ key, events: [], next: undefined });
  const load = async (query: Parameters<typeof seeing.events>[0], before: string) => {
    const answer = await seeing.events({ ...query, before });
    if (!answer.ok) return;
    const { events, next } = answer.value;
    setOlder((old) => ({ key, events: [...(old.key === key ? old.events : []), ...events], next }));
  };
  const isMine = older.key === key;
  return { events: isMine ? older.events : [], next: isMine ? older.next : undefined, load };
}
