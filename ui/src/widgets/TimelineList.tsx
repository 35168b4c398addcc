import type { Channel, ChannelTimeline, Timeline } from "../api/types";
import { Button } from "../kit/parts";
import { momentText } from "../kit/time";
import { en, reasonWords } from "../text/en";
import { coverageWords, eventsText } from "../text/seeing";
import { ANALYSED } from "./events/eventMarks";
import { eventWords } from "./events/eventWords";
import type { Seen } from "./events/useSeen";
import type { View } from "./timelineModel";

interface TimelineListProps {
  readonly answer: Timeline | null;
  readonly channels: readonly Channel[];
  readonly view: View;
  readonly zone: string;
  readonly onGo: (atUs: number) => void;
  /** What was seen on the selected camera. */
  readonly seen: Seen;
  readonly selectedId: string | null;
}

interface Row {
  readonly key: string;
  readonly camera: string;
  readonly kind: string;
  readonly fromUs: number;
  readonly toUs: number | null;
  readonly reason: string;
}

const ROWS_MOST = 500;

function isShown(view: View, { fromUs, toUs }: Row): boolean {
  return fromUs < view.endUs && (toUs === null || toUs >= view.startUs);
}

function rowsOf(timeline: ChannelTimeline, camera: string): Row[] {
  const recorded = timeline.recorded.map((span) => ({
    key: `${timeline.id} r ${span.start_us} ${span.lane}`,
    camera,
    kind: en.timeline.kindRecorded,
    fromUs: span.start_us,
    toUs: span.end_us,
    reason: "",
  }));
  const gaps = timeline.gaps.map((gap) => ({
    key: `${timeline.id} g ${gap.start_us} ${gap.reason}`,
    camera,
    kind: en.timeline.kindGap,
    fromUs: gap.start_us,
    toUs: gap.end_us,
    reason: reasonWords(gap.reason, gap.detail),
  }));
  return [...recorded, ...gaps];
}

function seenRows({ events, spans }: Seen, camera: string): Row[] {
  const happened = events.map((event) => ({
    key: event.id,
    camera,
    kind: eventsText.kindEvent,
    fromUs: event.began_us,
    toUs: event.lasts ? event.ended_us : (event.ended_us ?? event.began_us),
    reason: eventWords(event),
  }));
  const unseen = spans
    .filter((span) => span.reason !== ANALYSED)
    .map((span) => ({
      key: `unseen ${span.start_us} ${span.reason}`,
      camera,
      kind: eventsText.kindUnseen,
      fromUs: span.start_us,
      toUs: span.end_us,
      reason: coverageWords(span.reason, span.detail),
    }));
  return [...happened, ...unseen];
}

/** The timeline as a table: all it says, for those who do not see or cannot point at the canvas. */
export function TimelineList(props: TimelineListProps) {
  const { answer, channels, view, zone, onGo, seen, selectedId } = props;
  const nameOf = (id: string | null) => channels.find((known) => known.id === id)?.name ?? "";
  const rows = (answer?.channels ?? [])
    .flatMap((one) => rowsOf(one, nameOf(one.id)))
    .concat(seenRows(seen, nameOf(selectedId)))
    .filter((row) => isShown(view, row))
    .sort((a, b) => a.fromUs - b.fromUs)
    .slice(0, ROWS_MOST);
  const { columns } = en.timeline;
  return (
    <div className="timeline-list" data-testid="timeline-list">
      <table>
        <caption className="visually-hidden">{en.timeline.listCaption}</caption>
        <thead>
          <tr>
            {[columns.camera, columns.kind, columns.from, columns.to, columns.reason].map((words) => (
              <th key={words} scope="col">
                {words}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key}>
              <td>{row.camera}</td>
              <td>{row.kind}</td>
              <td>
                <Button
                  kind="quiet"
                  label={en.timeline.go(momentText(row.fromUs, zone))}
                  onClick={() => onGo(row.fromUs)}
                >
                  {momentText(row.fromUs, zone)}
                </Button>
              </td>
              <td>{row.toUs === null ? en.timeline.untilNow : momentText(row.toUs, zone)}</td>
              <td>{row.reason}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length === 0 && <p className="hint">{en.timeline.empty}</p>}
    </div>
  );
}
