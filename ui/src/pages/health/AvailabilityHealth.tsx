import { useState } from "react";
import { availability, type ChannelAvailability, type ReasonSum } from "../../api/availability";
import { Icon } from "../../kit/icons";
import { Button, Skeleton } from "../../kit/parts";
import { lengthText, localTime } from "../../kit/time";
import { availabilityText as words } from "../../text/availability";
import { en, reasonWords } from "../../text/en";
import { ProblemBox } from "../../widgets/ProblemBox";
import { useAsked, useSite } from "../../widgets/site";
import { useNow } from "../../widgets/useNow";
import { Table } from "./Table";

const EVERY_MS = 60_000;

/** Of each camera, how much of a month was recorded of what should have been. */
export function AvailabilityHealth() {
  const { zone } = useSite();
  const now = localTime(useNow(EVERY_MS), zone);
  const [back, setBack] = useState(0);
  const month = monthName(now.year * 12 + now.month - 1 - back);
  const asked = useAsked((signal) => availability.month(month, signal), month, EVERY_MS);
  const found = asked.value?.month === month ? asked.value : null;
  return (
    <section aria-label={words.title} data-testid="availability">
      <h2>{words.title}</h2>
      <p className="hint">{words.hint}</p>
      <div className="toolbar">
        <Button kind="quiet" label={words.previous} onClick={() => setBack(back + 1)}>
          <Icon name="left" />
        </Button>
        <strong role="status" data-testid="availability-month">
          {month}
        </strong>
        <Button kind="quiet" label={words.next} disabled={back === 0} onClick={() => setBack(back - 1)}>
          <Icon name="right" />
        </Button>
        <a
          className="button"
          href={availability.exportAddress(month)}
          download
          data-testid="availability-csv"
        >
          {words.export}
        </a>
      </div>
      {found === null && asked.problem === null && <Skeleton rows={3} label={en.common.loading} />}
      {asked.problem !== null && <ProblemBox problem={asked.problem} onRetry={asked.refresh} />}
      {found?.channels.length === 0 && <p className="hint">{words.empty}</p>}
      {found !== null && found.channels.length > 0 && <Cameras channels={found.channels} />}
    </section>
  );
}

function Cameras({ channels }: { readonly channels: readonly ChannelAvailability[] }) {
  const { columns } = words;
  return (
    <Table
      label={words.title}
      numbers={[1, 2]}
      head={[columns.camera, columns.share, columns.missing, columns.why]}
    >
      {channels.map((one) => (
        <tr key={one.id} data-testid="available-camera">
          <td>{one.name}</td>
          <td className="number">{one.share === null ? words.nothingDue : words.share(one.share)}</td>
          <td className="number">
            {one.missing.length === 0 ? en.common.none : lengthText(one.due_us - one.recorded_us)}
          </td>
          <td>
            <Reasons sums={one.missing} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Reasons({ sums }: { readonly sums: readonly ReasonSum[] }) {
  return (
    <>
      {sums.map((one) => (
        <div key={one.reason}>
          {lengthText(one.duration_us)}: {reasonWords(one.reason, "")}
        </div>
      ))}
    </>
  );
}

/** `YYYY-MM` of a count of months since the year 0. */
function monthName(months: number): string {
  return `${Math.floor(months / 12)}-${String((months % 12) + 1).padStart(2, "0")}`;
}
