import { useContext, useEffect, useState } from "react";
import type { Alarm, AlarmStep } from "../../api/alarms";
import { go, replace, useAddress } from "../../kit/address";
import { SelectField } from "../../kit/forms";
import { Icon } from "../../kit/icons";
import { Button, Link, Skeleton, StateBox } from "../../kit/parts";
import { useShortcuts } from "../../kit/shortcuts";
import { alarmsText as words } from "../../text/alarms";
import { en } from "../../text/en";
import type { AlarmBoard } from "../../widgets/alarms/alarmDesk";
import {
  filterQuery,
  inOrder,
  matches,
  neighbour,
  nextNew,
  OPEN,
  readFilter,
} from "../../widgets/alarms/alarmList";
import { AlarmContext, useBoard, type Alarming } from "../../widgets/alarms/useAlarms";
import { DeniedBox, ProblemBox, problemWords } from "../../widgets/ProblemBox";
import { useSite } from "../../widgets/site";
import { AlarmDetail } from "./AlarmDetail";
import { AlarmList } from "./AlarmList";
import { StepDialog, type Asking } from "./StepDialogs";
import { useSteps, type StepWish } from "./useSteps";
import "./alarms.css";

/** More than about one in ten minutes is more than a person can follow (EEMUA 191, ISA-18.2). */
const RATE_MOST = 10;
const NONE: ReadonlySet<string> = new Set();

/** /alarms and /alarms/<alarm>, with filters in the query. */
export function AlarmsPage() {
  const alarming = useContext(AlarmContext);
  return alarming === null ? <DeniedBox permission="alarm.handle" /> : <Alarms alarming={alarming} />;
}

function Alarms({ alarming }: { readonly alarming: Alarming }) {
  const { desk, sound } = alarming;
  const site = useSite();
  const board = useBoard(alarming);
  const { pathname, search, searchParams } = useAddress();
  const filter = readFilter(searchParams);
  const chosenId = pathname.split("/")[2] ?? null;
  const [ticks, setTicks] = useState(NONE);
  const [asking, setAsking] = useState<Asking | null>(null);
  const older = useOlder(alarming, search);
  const shown = inOrder(
    [...board.alarms.values()].filter((one) => matches(one, filter, site.session.principal.id)),
  );
  const ticked = new Set(shown.filter((one) => ticks.has(one.id)).map((one) => one.id));
  const chosen = chosenId === null ? null : (board.alarms.get(chosenId) ?? null);
  const meant = ticked.size > 0 ? shown.filter((one) => ticked.has(one.id)) : chosen === null ? [] : [chosen];
  const able = meant.filter((one) => one.state !== "closed");
  const steps = useSteps(desk, () => setAsking(null));

  const choose = (id: string | null) => {
    if (id === null) return;
    sound.silence();
    replace(`/alarms/${id}${location.search}`);
  };
  const tick = (id: string, isTicked: boolean) =>
    setTicks((old) => {
      const next = new Set(old);
      if (isTicked) next.add(id);
      else next.delete(id);
      return next;
    });
  const run = (step: AlarmStep, wish: StepWish) => {
    const which = step === "note" ? meant : able;
    if (which.length === 0 || steps.isBusy) return;
    void steps.run(which, step, wish).then((isGood) => {
      if (isGood) setTicks(NONE);
    });
  };
  const ask = (next: Asking) => {
    if ((next === "note" ? meant : able).length > 0) setAsking(next);
  };
  useShortcuts(words.keys.scope, [
    ["a", words.keys.claim, () => run("claim", {})],
    ["n", words.keys.next, () => choose(nextNew(shown, chosenId))],
    ["ArrowUp", words.keys.up, () => choose(neighbour(shown, chosenId, -1))],
    ["ArrowDown", words.keys.down, () => choose(neighbour(shown, chosenId, 1))],
    ["t", words.keys.tick, () => chosenId !== null && tick(chosenId, !ticked.has(chosenId))],
    ["p", words.keys.park, () => ask("park")],
    ["c", words.keys.close, () => ask("close")],
    ["f", words.keys.forward, () => ask("forward")],
    ["w", words.keys.note, () => ask("note")],
    ["m", words.keys.mute, () => sound.toggle()],
    ["Escape", words.keys.clear, () => setTicks(NONE)],
  ]);

  return (
    <section className="alarms" aria-label={words.title}>
      <div className="alarms-side">
        <Head board={board} />
        <Filters />
        <StepBar
          count={ticked.size}
          alarms={meant}
          able={able.length}
          myId={site.session.principal.id}
          isBusy={steps.isBusy}
          onRun={run}
          onAsk={ask}
          onNext={() => choose(nextNew(shown, chosenId))}
          onClear={() => setTicks(NONE)}
        />
        <ListBox board={board} isNarrow={filter.states !== OPEN || search !== ""} count={shown.length}>
          <AlarmList alarms={shown} chosenId={chosenId} ticked={ticked} onChoose={choose} onTick={tick} />
          {older.next !== null && (
            <Button onClick={() => void older.load()} testId="alarms-older">
              {words.older}
            </Button>
          )}
        </ListBox>
      </div>
      <div className="alarms-main">
        {chosen !== null && <AlarmDetail key={chosen.id} alarm={chosen} />}
        {chosen === null && shown.length > 0 && (
          <StateBox title={words.choose} sign="alarm">
            <p>{chosenId !== null && board.isLoaded ? words.gone : words.chooseHint}</p>
          </StateBox>
        )}
      </div>
      {asking !== null && (
        <StepDialog
          asking={asking}
          alarms={asking === "note" ? meant : able}
          isBusy={steps.isBusy}
          onClose={() => setAsking(null)}
          onDone={(wish) => run(asking, wish)}
        />
      )}
    </section>
  );
}

/** Closed alarms, and older ones than the board holds, are asked for when the filters want them. */
function useOlder({ desk }: Alarming, search: string) {
  const [next, setNext] = useState<string | null>(null);
  useEffect(() => {
    const filter = readFilter(new URLSearchParams(search));
    let isOver = false;
    void desk.load(filter.states, filter.channelId, null).then((answer) => {
      if (!isOver && answer.ok) setNext(answer.value.next);
    });
    return () => {
      isOver = true;
    };
  }, [desk, search]);
  const load = async () => {
    const filter = readFilter(new URLSearchParams(search));
    const answer = await desk.load(filter.states, filter.channelId, next);
    if (answer.ok) setNext(answer.value.next);
  };
  return { next, load };
}

function Head({ board }: { readonly board: AlarmBoard }) {
  const rate = board.counts?.rate_per_10_min ?? null;
  return (
    <div className="toolbar">
      <h1>{words.title}</h1>
      {board.counts !== null && (
        <span className="hint" data-testid="alarm-counts">
          {board.counts.new} {words.states["new"]?.toLowerCase()} · {board.counts.claimed}{" "}
          {words.states["claimed"]?.toLowerCase()} · {board.counts.parked}{" "}
          {words.states["parked"]?.toLowerCase()}
          {rate !== null && rate > 0 && ` · ${words.rate(Math.round(rate))}`}
        </span>
      )}
      {rate !== null && rate > RATE_MOST && (
        <p className="field-warning">
          <Icon name="diamond" /> {words.rateHigh}
        </p>
      )}
    </div>
  );
}

function Filters() {
  const site = useSite();
  const { pathname, searchParams } = useAddress();
  const state = searchParams.get("state") ?? "";
  const camera = searchParams.get("camera") ?? "";
  const owner = searchParams.get("owner") ?? "";
  const set = (next: { state?: string; camera?: string; owner?: string }) => {
    const query = filterQuery(next.state ?? state, next.camera ?? camera, next.owner ?? owner);
    const kept = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== null);
    const text = new URLSearchParams(kept).toString();
    go(text === "" ? pathname : `${pathname}?${text}`);
  };
  const { filters, states } = words;
  return (
    <div className="three alarm-filters">
      <SelectField
        label={filters.state}
        value={state}
        options={[
          { value: "", words: filters.open },
          ...["new", "claimed", "parked", "closed"].map((one) => ({ value: one, words: states[one] ?? one })),
          { value: "all", words: filters.all },
        ]}
        onChange={(next) => set({ state: next })}
        testId="alarm-filter-state"
      />
      <SelectField
        label={filters.place}
        value={camera}
        options={[
          { value: "", words: filters.anywhere },
          ...(site.channels.value ?? []).map((one) => ({ value: one.id, words: one.name })),
        ]}
        onChange={(next) => set({ camera: next })}
        testId="alarm-filter-camera"
      />
      <SelectField
        label={filters.owner}
        value={owner}
        options={[
          { value: "", words: filters.anybody },
          { value: "me", words: filters.mine },
          { value: "none", words: filters.nobody },
        ]}
        onChange={(next) => set({ owner: next })}
        testId="alarm-filter-owner"
      />
    </div>
  );
}

interface ListBoxProps {
  readonly board: AlarmBoard;
  readonly isNarrow: boolean;
  readonly count: number;
  readonly children: React.ReactNode;
}

/** The list, or why there is none. */
function ListBox({ board, isNarrow, count, children }: ListBoxProps) {
  if (!board.isLoaded && board.problem === null) return <Skeleton rows={6} label={en.common.loading} />;
  if (!board.isLoaded && board.problem !== null) return <ProblemBox problem={board.problem} />;
  return (
    <>
      {board.problem !== null && (
        <p className="field-warning" role="status">
          <Icon name="diamond" /> {problemWords(board.problem)}
        </p>
      )}
      {count === 0 && (
        <StateBox title={isNarrow ? words.nothing : words.empty} sign="check" testId="alarms-empty">
          {!isNarrow && <p>{words.emptyHint}</p>}
          <Link to={isNarrow ? "/alarms" : "/devices"} go={go} className="button">
            {isNarrow ? words.nothingGo : words.emptyGo}
          </Link>
        </StateBox>
      )}
      {children}
    </>
  );
}

interface StepBarProps {
  /** How many are ticked. */
  readonly count: number;
  readonly alarms: readonly Alarm[];
  /** How many of them can still be changed. */
  readonly able: number;
  readonly myId: string;
  readonly isBusy: boolean;
  readonly onRun: (step: AlarmStep, wish: StepWish) => void;
  readonly onAsk: (asking: Asking) => void;
  readonly onNext: () => void;
  readonly onClear: () => void;
}

/** What can be done with the alarm chosen, or with all that are ticked. */
function StepBar({ count, alarms, able, myId, isBusy, onRun, onAsk, onNext, onClear }: StepBarProps) {
  const isOff = able === 0 || isBusy;
  const isOthers = alarms.some((one) => one.owner !== null && one.owner.id !== myId);
  const { steps } = words;
  return (
    <div className="group alarm-steps" role="group" aria-label={words.title}>
      <Button kind="primary" disabled={isOff} onClick={() => onRun("claim", {})} testId="alarm-claim">
        {isOthers ? steps.takeOver : steps.claim} <kbd aria-hidden="true">A</kbd>
      </Button>
      <Button disabled={isOff} onClick={() => onAsk("park")} testId="alarm-park">
        {steps.park} <kbd aria-hidden="true">P</kbd>
      </Button>
      <Button disabled={isOff} onClick={() => onAsk("close")} testId="alarm-close">
        {steps.close} <kbd aria-hidden="true">C</kbd>
      </Button>
      <Button disabled={isOff} onClick={() => onAsk("forward")} testId="alarm-forward">
        {steps.forward} <kbd aria-hidden="true">F</kbd>
      </Button>
      <Button disabled={alarms.length === 0 || isBusy} onClick={() => onAsk("note")} testId="alarm-note">
        {steps.note} <kbd aria-hidden="true">W</kbd>
      </Button>
      <Button onClick={onNext} testId="alarm-next">
        {steps.next} <kbd aria-hidden="true">N</kbd>
      </Button>
      {count > 0 && (
        <>
          <span role="status">{words.ticked(count)}</span>
          <Button kind="quiet" onClick={onClear}>
            {words.untick}
          </Button>
        </>
      )}
    </div>
  );
}
