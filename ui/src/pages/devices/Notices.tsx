import { devicesApi, type Notice } from "../../api/devices";
import { Skeleton } from "../../kit/parts";
import { momentText } from "../../kit/time";
import { en } from "../../text/en";
import { devicesText } from "../../text/devices";
import { ProblemBox } from "../../widgets/ProblemBox";
import { useAsked, useSite } from "../../widgets/site";

const words = devicesText.notices;
const EVERY_MS = 5_000;

function pairs(value: Notice["data"]): string {
  const list: readonly (readonly [string, string])[] = Array.isArray(value)
    ? (value as readonly (readonly [string, string])[])
    : Object.entries(value as Readonly<Record<string, string>>);
  return list.map(([name, text]) => `${name}=${text}`).join(", ");
}

/** What the device told by itself, newest first. */
export function Notices({ deviceId }: { readonly deviceId: string }) {
  const { zone } = useSite();
  const asked = useAsked((signal) => devicesApi.notices(deviceId, signal), `notices ${deviceId}`, EVERY_MS);
  if (asked.value === null) {
    if (asked.problem !== null) return <ProblemBox problem={asked.problem} onRetry={asked.refresh} />;
    return <Skeleton rows={2} label={en.common.loading} />;
  }
  if (asked.value.length === 0) return <p className="hint">{words.empty}</p>;
  return (
    <div className="table-box is-low" tabIndex={0} role="region" aria-label={words.title}>
      <table data-testid="notices">
        <thead>
          <tr>
            <th scope="col">{words.columns.at}</th>
            <th scope="col">{words.columns.topic}</th>
            <th scope="col">{words.columns.data}</th>
          </tr>
        </thead>
        <tbody>
          {asked.value.map((one, index) => (
            <tr key={`${one.at_us} ${one.topic} ${index}`}>
              <td className="mono moment">{momentText(one.at_us, zone)}</td>
              <td>{one.topic}</td>
              <td className="mono">
                {[pairs(one.source), pairs(one.data)].filter((part) => part !== "").join("; ")}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
