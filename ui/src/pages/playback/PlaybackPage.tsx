import { useCallback, useEffect, useState } from "react";
import { client, serverClock } from "../../api/client";
import { seeing } from "../../api/seeing";
import { go, note } from "../../kit/address";
import { Icon } from "../../kit/icons";
import { Button, StateBox } from "../../kit/parts";
import { useShortcuts } from "../../kit/shortcuts";
import { en } from "../../text/en";
import { eventsText } from "../../text/seeing";
import { Calendar } from "../../widgets/Calendar";
import { CameraTree } from "../../widgets/CameraTree";
import { EventSide } from "../../widgets/events/EventSide";
import { nextEvent, previousEvent } from "../../widgets/events/findEvent";
import { EVENTS_MOST, useRaised, useSeen } from "../../widgets/events/useSeen";
import { GridPicker } from "../../widgets/GridPicker";
import { PlaybackGroup } from "../../widgets/player/playbackGroup";
import { PlaybackTile } from "../../widgets/PlaybackTile";
import { DeniedBox, ProblemBox, problemWords } from "../../widgets/ProblemBox";
import { PurposeNeeded } from "../../widgets/PurposeNeeded";
import { purposeCovers, useAsked, useSite } from "../../widgets/site";
import { TileFrame } from "../../widgets/TileFrame";
import { choose, put, useTiles, type Tiles } from "../../widgets/tiles";
import { Timeline, type Selection } from "../../widgets/Timeline";
import { TimelineList } from "../../widgets/TimelineList";
import { askedFor, centre, HOUR_US, widthUs, zoomAround, type View } from "../../widgets/timelineModel";
import { Transport } from "../../widgets/Transport";
import { SelectionBar } from "./SelectionBar";

const EVENTS_KEPT = "civiscope.playback.events";
const NO_SELECTION: Selection = { fromUs: null, toUs: null };
const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16];

/** The moment in the address, if there is one. */
function askedPosition(): number | null {
  const asked = Number(new URLSearchParams(location.search).get("at"));
  return Number.isSafeInteger(asked) && asked > 0 ? asked : null;
}

function firstGroup(): PlaybackGroup {
  const askedUs = askedPosition();
  return new PlaybackGroup(askedUs ?? serverClock.nowUs() - 60_000_000, askedUs === null);
}

function useGroup(): PlaybackGroup {
  const [group] = useState(firstGroup);
  useEffect(() => {
    group.start();
    const timer = setInterval(() => note({ at: String(Math.round(group.snapshot().positionUs)) }), 2_000);
    return () => {
      clearInterval(timer);
      group.stop();
    };
  }, [group]);
  return group;
}

/** The spans around the view; asked again when the view leaves them, is zoomed, or time goes on. */
function useTimeline(ids: readonly string[], view: View) {
  const width = widthUs(view);
  const level = Math.round(Math.log2(width));
  const page = Math.floor(view.startUs / (2 ** level / 2));
  const around = askedFor(view);
  return useAsked(
    (signal) => client.timeline(ids, around.startUs, around.endUs, width / 2000, signal),
    `${ids.join(",")} ${level} ${page}`,
    view.endUs > serverClock.nowUs() - width ? Math.max(2_000, Math.min(15_000, width / 1e6)) : 30_000,
  );
}

/** To the next event of the selected camera, or to the one before. */
function useJumps(group: PlaybackGroup, channelId: string | null, onGo: (atUs: number) => void) {
  const site = useSite();
  return (by: 1 | -1) => {
    if (channelId === null) site.say(eventsText.choose);
    else if (!site.can("event.read")) site.say(en.problem.denied("event.read"));
    else {
      const atUs = group.snapshot().positionUs;
      const asked =
        by === 1
          ? nextEvent(seeing, channelId, atUs, serverClock.nowUs())
          : previousEvent(seeing, channelId, atUs);
      void asked.then((found) => {
        if (found.kind === "found") onGo(found.event.began_us);
        else if (found.kind === "none") site.say(by === 1 ? eventsText.noNext : eventsText.noPrevious);
        else if (found.problem !== null) site.say(problemWords(found.problem));
      });
    }
  };
}

/** To the next span in which something may have moved on the selected camera, or to the one before. */
function useMotionJumps(group: PlaybackGroup, channelId: string | null, onGo: (atUs: number) => void) {
  const site = useSite();
  return (direction: "next" | "previous") => {
    if (channelId === null) {
      site.say(eventsText.choose);
      return;
    }
    void client.motion(channelId, group.snapshot().positionUs, direction).then((found) => {
      if (!found.ok) {
        if (found.problem !== null) site.say(problemWords(found.problem));
      } else if (found.value.motion !== null) onGo(found.value.motion.start_us);
      else site.say(direction === "next" ? eventsText.noNextMotion : eventsText.noPreviousMotion);
    });
  };
}

export function PlaybackPage() {
  const site = useSite();
  if (!site.can("video.playback")) return <DeniedBox permission="video.playback" />;
  if (site.purpose === null) return <PurposeNeeded lacks={null} />;
  if (!purposeCovers(site, "playback")) return <PurposeNeeded lacks={en.live.purposeLacksPlayback} />;
  return <Playback purpose={site.purpose} />;
}

function Playback({ purpose }: { readonly purpose: string }) {
  const site = useSite();
  const { zone } = site;
  const group = useGroup();
  const channels = site.channels.value ?? [];
  const ids = channels.map((one) => one.id);
  const { tiles, change, pick } = useTiles("playback", 9, 4, ids);
  const [view, setView] = useState<View>(() => {
    const atUs = group.snapshot().positionUs;
    return { startUs: atUs - HOUR_US / 2, endUs: atUs + HOUR_US / 2 };
  });
  const [selection, setSelection] = useState(NO_SELECTION);
  const [isList, setList] = useState(false);
  const [isCalendar, setCalendar] = useState(false);
  const [isEvents, setEvents] = useState(() => localStorage.getItem(EVENTS_KEPT) === "on");
  const onView = useCallback((by: (view: View) => View) => setView(by), []);
  const selectedId = tiles.slots[tiles.selected] ?? null;
  const asked = ids.length > 0 ? ids.slice(0, 36) : ["00000000-0000-0000-0000-000000000000"];
  const timeline = useTimeline(asked, view);
  const seen = useSeen(selectedId, view);
  const raised = useRaised();
  const tileKey = `tile-${tiles.selected}`;

  useEffect(() => group.select(`tile-${tiles.selected}`), [group, tiles.selected]);
  const goTo = (atUs: number) => {
    group.seek(atUs);
    setView((old) => centre(old, atUs));
  };
  const speedBy = (by: 1 | -1) => {
    const index = SPEEDS.indexOf(group.snapshot().speed) + by;
    group.setSpeed(SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, index))] ?? 1);
  };
  const jump = useJumps(group, selectedId, goTo);
  const jumpMotion = useMotionJumps(group, selectedId, goTo);
  /** Playing: the speed. Standing: from event to event. */
  const jumpOrSpeed = (by: 1 | -1) => () => {
    if (group.snapshot().isPlaying) speedBy(by);
    else jump(by);
  };
  const showEvents = () => {
    localStorage.setItem(EVENTS_KEPT, isEvents ? "off" : "on");
    setEvents(!isEvents);
  };
  const mark = (side: "fromUs" | "toUs") => () =>
    setSelection((old) => {
      const next = { ...old, [side]: group.snapshot().positionUs };
      return next.fromUs !== null && next.toUs !== null && next.fromUs > next.toUs
        ? { fromUs: next.toUs, toUs: next.fromUs }
        : next;
    });
  const zoom = (factor: number) => () =>
    setView((old) => zoomAround(old, group.snapshot().positionUs, factor));
  const maximise = (index: number) =>
    change((old) => ({ ...old, selected: index, maximised: old.maximised === null ? index : null }));
  useShortcuts(en.keys.playback, [
    [" ", en.keys.playPause, () => group.toggle()],
    ["ArrowLeft", en.keys.backTen, () => group.skip(-10_000_000)],
    ["ArrowRight", en.keys.onTen, () => group.skip(10_000_000)],
    [",", en.keys.stepBack, () => group.step(-1)],
    [".", en.keys.stepOn, () => group.step(1)],
    ["Ctrl+ArrowLeft", en.keys.slowerOrPrevious, jumpOrSpeed(-1)],
    ["Ctrl+ArrowRight", en.keys.fasterOrNext, jumpOrSpeed(1)],
    ["n", eventsText.next, () => jump(1)],
    ["p", eventsText.previous, () => jump(-1)],
    ["m", eventsText.nextMotion, () => jumpMotion("next")],
    ["b", eventsText.previousMotion, () => jumpMotion("previous")],
    ["[", en.keys.selectionStart, mark("fromUs")],
    ["]", en.keys.selectionEnd, mark("toUs")],
    ["+", en.keys.zoomIn, zoom(0.5)],
    ["-", en.keys.zoomOut, zoom(2)],
    ["f", en.keys.maximise, () => maximise(tiles.selected)],
    ["Escape", en.keys.back, () => change((old) => ({ ...old, maximised: null }))],
    ["l", en.keys.toLive, () => go(`/live${location.search}`)],
  ]);

  const exportIds = [...new Set(tiles.slots.filter((slot) => slot !== null))];
  return (
    <div className="watch">
      <CameraTree shown={tiles.slots} onChoose={(id) => change((old) => choose(old, id))} />
      <section className="watch-main" aria-label={en.pages.playback}>
        <div className="toolbar">
          <h1>{en.pages.playback}</h1>
          <GridPicker size={tiles.size} largest={9} onChange={pick} />
          <Button pressed={isCalendar} onClick={() => setCalendar(!isCalendar)} testId="calendar-toggle">
            {en.playback.calendar}
          </Button>
          <Button pressed={isList} onClick={() => setList(!isList)} testId="list-toggle">
            {en.timeline.asList}
          </Button>
          <Button pressed={isEvents} onClick={showEvents} testId="events-toggle">
            {eventsText.toggle}
          </Button>
          <span className="group">
            <Button label={eventsText.previous} onClick={() => jump(-1)} testId="event-previous">
              <Icon name="left" /> <Icon name="eye" />
            </Button>
            <Button label={eventsText.next} onClick={() => jump(1)} testId="event-next">
              <Icon name="eye" /> <Icon name="right" />
            </Button>
          </span>
          <span className="group" title={eventsText.motionHint}>
            <Button
              label={eventsText.previousMotion}
              onClick={() => jumpMotion("previous")}
              testId="motion-previous"
            >
              <Icon name="left" /> <Icon name="health" />
            </Button>
            <Button label={eventsText.nextMotion} onClick={() => jumpMotion("next")} testId="motion-next">
              <Icon name="health" /> <Icon name="right" />
            </Button>
          </span>
        </div>
        {isCalendar && selectedId !== null && (
          <Calendar
            key={selectedId}
            channelId={selectedId}
            atUs={group.snapshot().positionUs}
            zone={zone}
            onDay={(dayUs) => {
              setView({ startUs: dayUs, endUs: dayUs + 24 * HOUR_US });
              group.seek(dayUs);
              group.play();
            }}
          />
        )}
        <div className={`grid grid-${tiles.maximised === null ? tiles.size : 1}`} data-testid="grid">
          {tiles.slots.map((slot, index) => (
            <PlaybackSlot
              key={`${index} ${slot ?? ""} ${purpose}`}
              index={index}
              channelId={slot}
              purpose={purpose}
              tiles={tiles}
              group={group}
              onSelect={() => change((old) => ({ ...old, selected: index }))}
              onMaximise={() => maximise(index)}
              onClear={() =>
                change((old) => ({ ...old, slots: old.slots.map((one, n) => (n === index ? null : one)) }))
              }
              onDropChannel={(id) => change((old) => put(old, index, id))}
            />
          ))}
        </div>
        <Transport
          group={group}
          zone={zone}
          speeds={SPEEDS}
          onEdge={() => goTo(serverClock.nowUs() - 5_000_000)}
        />
        {timeline.problem !== null && timeline.value === null && channels.length > 0 && (
          <ProblemBox problem={timeline.problem} onRetry={timeline.refresh} />
        )}
        <Timeline
          group={group}
          zone={zone}
          view={view}
          onView={onView}
          answer={timeline.value}
          selectedId={selectedId}
          selection={selection}
          seen={seen}
          raised={raised}
          tileKey={tileKey}
        />
        {seen.isCut && <p className="hint">{eventsText.truncated(EVENTS_MOST)}</p>}
        <SelectionBar
          selection={selection}
          channelId={selectedId}
          channelIds={exportIds}
          purpose={purpose}
          onMark={mark}
          onClear={() => setSelection(NO_SELECTION)}
        />
        {isList && (
          <TimelineList
            answer={timeline.value}
            channels={channels}
            view={view}
            zone={zone}
            onGo={goTo}
            seen={seen}
            selectedId={selectedId}
          />
        )}
      </section>
      {isEvents && (
        <EventSide
          channel={channels.find((one) => one.id === selectedId) ?? null}
          group={group}
          tileKey={tileKey}
          zone={zone}
          raised={raised}
          onGo={goTo}
        />
      )}
    </div>
  );
}

interface SlotProps {
  readonly index: number;
  readonly channelId: string | null;
  readonly purpose: string;
  readonly tiles: Tiles;
  readonly group: PlaybackGroup;
  readonly onSelect: () => void;
  readonly onMaximise: () => void;
  readonly onClear: () => void;
  readonly onDropChannel: (id: string) => void;
}

function PlaybackSlot({ channelId, purpose, tiles, group, onClear, ...rest }: SlotProps) {
  const site = useSite();
  const shared = {
    ...rest,
    isSelected: tiles.selected === rest.index,
    isMaximised: tiles.maximised === rest.index,
    isHidden: tiles.maximised !== null && tiles.maximised !== rest.index,
  };
  if (channelId === null) {
    return (
      <TileFrame {...shared} name={en.live.emptyTile} state="idle">
        <StateBox title={en.live.emptyTile}>
          <p>{en.live.emptyTileHint}</p>
        </StateBox>
      </TileFrame>
    );
  }
  const channel = site.channels.value?.find((one) => one.id === channelId) ?? null;
  return (
    <PlaybackTile
      {...shared}
      onClear={onClear}
      channelId={channelId}
      channel={channel}
      purpose={purpose}
      group={group}
    />
  );
}
