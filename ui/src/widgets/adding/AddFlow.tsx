import { useEffect, useRef } from "react";
import { devicesApi } from "../../api/devices";
import { Button, Field } from "../../kit/parts";
import { Progress } from "../../kit/forms";
import { addingText as words } from "../../text/devices";
import { useAsked, useSite } from "../site";
import { GroupSelect, PurposeSelect } from "./Choices";
import { RowCard } from "./RowCard";
import { AddressSource, CsvSource, DiscoverSource } from "./Sources";
import { useAdding, type Adding } from "./useAdding";
import "./adding.css";

export const WAYS = ["discover", "address", "csv"] as const;
export type Way = (typeof WAYS)[number];

interface AddFlowProps {
  readonly way: Way;
  readonly onWay: (way: Way) => void;
  /** Everything that was wanted is in, or was left out. */
  readonly onDone: () => void;
}

/** Find or type → test → name → add: used by the wizard and by Devices. */
export function AddFlow({ way, onWay, onDone }: AddFlowProps) {
  const site = useSite();
  const { refresh } = site.channels;
  const adding = useAdding((count) => {
    site.say(words.added(count));
    refresh();
  });
  return (
    <div className="adding" data-testid="add-dialog">
      <div className="group tabs" role="group" aria-label={words.ways}>
        {WAYS.map((one) => (
          <Button key={one} pressed={way === one} onClick={() => onWay(one)} testId={`way-${one}`}>
            {words.way[one]}
          </Button>
        ))}
      </div>
      {way === "discover" && <DiscoverSource onRows={adding.take} />}
      {way === "address" && <AddressSource onRows={adding.take} />}
      {way === "csv" && <CsvSource onRows={adding.take} />}
      {adding.rows.length > 0 && <AddingList adding={adding} onDone={onDone} />}
    </div>
  );
}

interface AddingListProps {
  readonly adding: Adding;
  readonly onDone: () => void;
}

/** The rows with their states; the good ones are added whatever becomes of the others. */
export function AddingList({ adding, onDone }: AddingListProps) {
  const site = useSite();
  const purposes = useAsked((signal) => devicesApi.purposes(signal), "purposes", null).value ?? [];
  const groups = useAsked((signal) => devicesApi.groups(signal), "groups", null).value ?? [];
  const { rows, tally } = adding;
  const troubled = rows.filter((row) => row.state === "trouble").map((row) => row.key);
  const channelOf = (id: string | null) => site.channels.value?.find((one) => one.id === id) ?? null;
  const recorded = rows.filter((row) => channelOf(row.channelId)?.state === "recording").length;
  const isOver = tally.open === tally.troubled && tally.added > 0;
  const section = useRef<HTMLElement>(null);
  useEffect(() => {
    // Its answer is a promise in newer browsers and no way to clean up: it is not handed on.
    section.current?.scrollIntoView({ block: "start" });
  }, []);
  useEffect(() => {
    // What was typed into is gone: the keyboard goes on where the way goes on.
    if (isOver) section.current?.querySelector<HTMLElement>('[data-testid="adding-done"]')?.focus();
  }, [isOver]);
  return (
    <section aria-label={words.rows} className="adding-list" ref={section}>
      <div className="adding-head">
        <h2>{words.rows}</h2>
        <Progress done={tally.tested} all={rows.length} words={words.progress(tally.tested, rows.length)} />
      </div>
      {rows.length > 1 && tally.open > 0 && (
        <fieldset className="box">
          <legend>{words.forAll}</legend>
          <div className="three">
            <Field
              label={words.place}
              value={adding.shared.place}
              onChange={(place) => adding.setShared({ ...adding.shared, place })}
              testId="all-place"
            />
            <PurposeSelect
              purposes={purposes}
              value={adding.shared.purpose}
              onChange={(purpose) => adding.setShared({ ...adding.shared, purpose })}
              testId="all-purpose"
            />
            <GroupSelect
              groups={groups}
              value={adding.shared.groupId}
              onChange={(groupId) => adding.setShared({ ...adding.shared, groupId })}
              testId="all-group"
            />
          </div>
          <p className="hint">{words.forAllHint}</p>
        </fieldset>
      )}
      <ul className="row-cards">
        {rows.map((row) => (
          <RowCard
            key={row.key}
            row={row}
            isOnly={rows.length === 1}
            purposes={purposes}
            groups={groups}
            channel={channelOf(row.channelId)}
            onChange={(change) => adding.change(row.key, change)}
            onTest={(change) => adding.test([row.key], change)}
            onLeaveOut={() => adding.leaveOut(row.key)}
            onInput={(input) => adding.addInput(row, input)}
            onEnter={() => {
              if (tally.ready > 0) adding.addReady();
            }}
          />
        ))}
      </ul>
      <div className="adding-foot">
        <span className="hint" role="status" data-testid="adding-words">
          {tally.added > 0 && words.recorded(recorded, tally.added)}
          {tally.troubled > 0 && tally.busy === 0 && ` ${words.leaving(tally.troubled)}`}
        </span>
        {troubled.length > 1 && (
          <Button onClick={() => adding.test(troubled)} testId="retry-all">
            {words.retryTrouble(troubled.length)}
          </Button>
        )}
        {tally.ready > 0 && (
          <Button kind="primary" onClick={adding.addReady} testId="camera-add">
            {words.add(tally.ready, tally.open)}
          </Button>
        )}
        {tally.added > 0 && (
          <Button kind={isOver ? "primary" : "plain"} onClick={onDone} testId="adding-done">
            {words.finish}
          </Button>
        )}
      </div>
    </section>
  );
}
