import { useEffect, useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import { serverClock } from "../api/client";
import type { SeenEvent } from "../api/seeing";
import type { ChannelTimeline, Timeline as TimelineAnswer } from "../api/types";
import { Icon, type IconName } from "../kit/icons";
import { Button } from "../kit/parts";
import { momentText, preciseText } from "../kit/time";
import { en, reasonWords } from "../text/en";
import { coverageWords, eventsText } from "../text/seeing";
import type { GroupSnapshot, PlaybackGroup } from "./player/playbackGroup";
import { EventPicture } from "./EventPicture";
import { eventAt, unseenAt } from "./events/eventMarks";
import { eventDetails, eventWords } from "./events/eventWords";
import type { Seen } from "./events/useSeen";
import { draw, isAtEvents } from "./timelineDraw";
import { Thumbnail } from "./Thumbnail";
import {
  centre,
  followed,
  gapAt,
  peeked,
  scroll,
  snapped,
  toPx,
  toUs,
  widthUs,
  zoomAround,
  type View,
} from "./timelineModel";

export interface Selection {
  readonly fromUs: number | null;
  readonly toUs: number | null;
}

interface TimelineProps {
  readonly group: PlaybackGroup;
  readonly zone: string;
  readonly view: View;
  readonly onView: (change: (view: View) => View) => void;
  readonly answer: TimelineAnswer | null;
  readonly selectedId: string | null;
  readonly selection: Selection;
  /** What was seen on the selected camera. */
  readonly seen: Seen;
  readonly raised: ReadonlySet<string>;
  /** The tile whose look shows pictures of events. */
  readonly tileKey: string;
}

interface Hover {
  readonly px: number;
  readonly atUs: number;
  readonly event: SeenEvent | null;
}

const TEN_S_US = 10_000_000;
const DRAG_PX = 4;

/** Two rows of time: the selected camera above, all cameras below. Wheel zooms, drag scrolls, click seeks. */
export function Timeline(props: TimelineProps) {
  const { group, zone, view, onView, answer, selectedId, selection, seen, raised } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const drag = useRef<{ startPx: number; view: View; isMoved: boolean } | null>(null);
  const [hover, setHover] = useState<Hover | null>(null);
  const position = useRef(group.snapshot().positionUs);
  const selected = answer?.channels.find((one) => one.id === selectedId) ?? null;

  useEffect(() => {
    const target = canvas.current;
    if (target === null) return undefined;
    const paint = () =>
      draw(target, {
        view,
        zone,
        selected,
        all: answer?.channels ?? [],
        nowUs: serverClock.nowUs(),
        positionUs: position.current,
        selection,
        hoverUs: hover?.atUs ?? null,
        events: seen.events,
        spans: seen.spans,
        raised,
      });
    paint();
    let painted = position.current;
    const onePixelUs = widthUs(view) / Math.max(1, target.clientWidth) / 2;
    const stop = group.listen((snapshot: GroupSnapshot) => {
      position.current = snapshot.positionUs;
      target.setAttribute("aria-valuenow", String(Math.round(snapshot.positionUs / 1e6)));
      target.setAttribute("aria-valuetext", momentText(snapshot.positionUs, zone));
      if (Math.abs(snapshot.positionUs - painted) < onePixelUs) return;
      painted = snapshot.positionUs;
      if (snapshot.isPlaying && drag.current === null) onView((old) => followed(old, snapshot.positionUs));
      paint();
    });
    const watcher = new ResizeObserver(paint);
    watcher.observe(target);
    return () => {
      stop();
      watcher.disconnect();
    };
  }, [group, zone, view, answer, selected, selection, hover, onView, seen, raised]);

  useEffect(() => {
    const target = canvas.current;
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      const widthPx = target?.clientWidth ?? 1;
      onView((old) =>
        event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)
          ? scroll(old, ((event.deltaX || event.deltaY) / widthPx) * widthUs(old))
          : zoomAround(old, toUs(old, widthPx, event.offsetX), Math.exp(event.deltaY * 0.002)),
      );
    };
    target?.addEventListener("wheel", wheel, { passive: false });
    return () => target?.removeEventListener("wheel", wheel);
  }, [onView]);

  const down = (event: PointerEvent<HTMLCanvasElement>) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    drag.current = { startPx: event.nativeEvent.offsetX, view, isMoved: false };
  };
  const markAt = (px: number, y: number, widthPx: number) =>
    isAtEvents(y) ? eventAt(seen.events, view, widthPx, px) : null;
  const move = (pointer: PointerEvent<HTMLCanvasElement>) => {
    const px = pointer.nativeEvent.offsetX;
    const widthPx = pointer.currentTarget.clientWidth;
    const held = drag.current;
    if (held === null) {
      const event = markAt(px, pointer.nativeEvent.offsetY, widthPx);
      setHover({ px, atUs: event?.began_us ?? toUs(view, widthPx, px), event });
      return;
    }
    if (Math.abs(px - held.startPx) > DRAG_PX) held.isMoved = true;
    if (held.isMoved) onView(() => scroll(held.view, ((held.startPx - px) / widthPx) * widthUs(held.view)));
  };
  const up = (event: PointerEvent<HTMLCanvasElement>) => {
    const held = drag.current;
    drag.current = null;
    if (held !== null && !held.isMoved) {
      const { offsetX, offsetY } = event.nativeEvent;
      const widthPx = event.currentTarget.clientWidth;
      group.seek(markAt(offsetX, offsetY, widthPx)?.began_us ?? toUs(view, widthPx, offsetX));
    }
  };
  /** Look beside the position without going there: the pointer's preview, by keys. */
  const peek = (by: 1 | -1) => {
    const widthPx = canvas.current?.clientWidth ?? 1;
    const atUs = peeked(view, hover?.atUs ?? position.current, by);
    setHover({ px: toPx(view, widthPx, atUs), atUs, event: null });
  };
  const keys: Readonly<Record<string, () => void>> = {
    "Shift+ArrowLeft": () => peek(-1),
    "Shift+ArrowRight": () => peek(1),
    ...(hover === null ? {} : { Enter: () => group.seek(hover.atUs), Escape: () => setHover(null) }),
    ArrowLeft: () => group.skip(-TEN_S_US),
    ArrowRight: () => group.skip(TEN_S_US),
    ArrowUp: () => onView((old) => zoomAround(old, position.current, 0.5)),
    ArrowDown: () => onView((old) => zoomAround(old, position.current, 2)),
    "+": () => onView((old) => zoomAround(old, position.current, 0.5)),
    "-": () => onView((old) => zoomAround(old, position.current, 2)),
    PageUp: () => onView((old) => scroll(old, -0.8 * widthUs(old))),
    PageDown: () => onView((old) => scroll(old, 0.8 * widthUs(old))),
    Home: () => onView((old) => centre(old, position.current)),
  };
  const press = (event: KeyboardEvent) => {
    const run = keys[event.shiftKey && event.key.startsWith("Arrow") ? `Shift+${event.key}` : event.key];
    if (run === undefined || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    run();
  };

  return (
    <div className="timeline">
      <TimelineButtons group={group} onView={onView} view={view} zone={zone} />
      <div className="timeline-box">
        <canvas
          ref={canvas}
          className="timeline-canvas"
          data-testid="timeline"
          data-start-us={view.startUs}
          data-end-us={view.endUs}
          tabIndex={0}
          role="slider"
          aria-label={`${en.timeline.label}. ${en.timeline.keys}`}
          aria-valuemin={Math.round(view.startUs / 1e6)}
          aria-valuemax={Math.round(view.endUs / 1e6)}
          aria-valuenow={Math.round(view.startUs / 1e6)}
          onPointerDown={down}
          onPointerMove={move}
          onPointerUp={up}
          onPointerLeave={() => setHover(null)}
          onBlur={() => setHover(null)}
          onKeyDown={press}
        />
        {hover !== null && (
          <HoverWords
            hover={hover}
            selected={selected}
            all={answer?.channels ?? []}
            zone={zone}
            seen={seen}
            group={group}
            tileKey={props.tileKey}
            view={view}
          />
        )}
      </div>
    </div>
  );
}

function TimelineButtons({
  group,
  onView,
  view,
  zone,
}: {
  readonly group: PlaybackGroup;
  readonly onView: TimelineProps["onView"];
  readonly view: View;
  readonly zone: string;
}) {
  const zoom = (factor: number) => () =>
    onView((old) => zoomAround(old, group.snapshot().positionUs, factor));
  const page = (share: number) => () => onView((old) => scroll(old, share * widthUs(old)));
  const buttons: readonly (readonly [string, IconName, () => void])[] = [
    [en.timeline.earlier, "farLeft", page(-0.8)],
    [en.timeline.zoomOut, "minus", zoom(2)],
    [en.timeline.zoomIn, "plus", zoom(0.5)],
    [en.timeline.later, "farRight", page(0.8)],
    [en.timeline.centre, "centre", () => onView((old) => centre(old, group.snapshot().positionUs))],
  ];
  return (
    <div className="timeline-buttons group" role="group" aria-label={en.timeline.label}>
      {buttons.map(([words, sign, run]) => (
        <Button key={words} kind="quiet" label={words} onClick={run}>
          <Icon name={sign} />
        </Button>
      ))}
      <span className="visually-hidden">
        {en.timeline.visible(momentText(view.startUs, zone), momentText(view.endUs, zone))}
      </span>
    </div>
  );
}

interface HoverWordsProps {
  readonly hover: Hover;
  readonly selected: ChannelTimeline | null;
  readonly all: readonly ChannelTimeline[];
  readonly zone: string;
  readonly seen: Seen;
  readonly group: PlaybackGroup;
  readonly tileKey: string;
  readonly view: View;
}

function HoverWords({ hover, selected, all, zone, seen, group, tileKey, view }: HoverWordsProps) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    box.current?.style.setProperty("left", `${Math.round(hover.px)}px`);
  }, [hover.px]);
  const nowUs = serverClock.nowUs();
  const gap =
    gapAt(selected, hover.atUs, nowUs) ??
    all.map((one) => gapAt(one, hover.atUs, nowUs)).find((one) => one !== null) ??
    null;
  const unseen = unseenAt(seen.spans, hover.atUs, nowUs);
  const { event } = hover;
  return (
    <div className="timeline-hover" ref={box} role="status" data-testid="timeline-hover">
      <span>{preciseText(hover.atUs, zone)}</span>
      {event !== null && <strong>{eventWords(event)}</strong>}
      {event !== null && <span>{eventDetails(event)}</span>}
      {event !== null && event.has_picture && (
        <EventPicture
          key={event.id}
          group={group}
          tileKey={tileKey}
          eventId={event.id}
          atUs={event.began_us}
          alt={eventsText.picture(eventWords(event))}
        />
      )}
      {event === null && gap === null && (
        <Thumbnail group={group} tileKey={tileKey} atUs={snapped(view, hover.atUs)} zone={zone} />
      )}
      {unseen !== null && <span>{coverageWords(unseen.reason, unseen.detail)}</span>}
      {gap !== null && (
        <span>
          {gap.end_us === null
            ? en.timeline.gapOpen(momentText(gap.start_us, zone))
            : en.timeline.gap(momentText(gap.start_us, zone), momentText(gap.end_us, zone))}
        </span>
      )}
      {gap !== null && <span>{reasonWords(gap.reason, gap.detail)}</span>}
    </div>
  );
}
