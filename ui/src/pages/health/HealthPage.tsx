import type { ReactNode } from "react";
import { client } from "../../api/client";
import { Skeleton } from "../../kit/parts";
import { bytesText, momentText } from "../../kit/time";
import { en } from "../../text/en";
import { DeniedBox, ProblemBox } from "../../widgets/ProblemBox";
import { useAsked, useSite } from "../../widgets/site";

const GOOD_STATES = ["running", "ok", "ready", "healthy", "writing", "recording", "live", "good"];

export function HealthPage() {
  const site = useSite();
  return site.can("system.read") ? <Health /> : <DeniedBox permission="system.read" />;
}

function State({ state }: { readonly state: string }) {
  const isGood = GOOD_STATES.includes(state.toLowerCase());
  return (
    <span className={isGood ? "verdict is-good" : "verdict is-bad"}>
      <span aria-hidden="true">{isGood ? "✓" : "▲"}</span> {state}
    </span>
  );
}

/** A cell of a table whose columns the server names. */
function cellText(value: unknown, name: string, zone: string): string {
  if (value === null || value === undefined || value === "") return en.common.none;
  if (typeof value === "number") {
    if (name.endsWith("_us") && value > 1e15) return momentText(value, zone);
    if (name.endsWith("_bytes")) return bytesText(value);
    return Number.isInteger(value) ? String(value) : value.toFixed(2);
  }
  if (typeof value === "string") return value;
  return JSON.stringify(value);
}

function Table({
  head,
  children,
  label,
}: {
  readonly head: readonly string[];
  readonly children: ReactNode;
  readonly label: string;
}) {
  return (
    <div className="table-box" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            {head.map((words) => (
              <th key={words} scope="col">
                {words}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

function streamId(stream: Readonly<Record<string, unknown>>, index: number): string {
  const id = stream["stream_id"] ?? stream["id"];
  return typeof id === "string" ? id : String(index);
}

function Health() {
  const { zone, channels } = useSite();
  const asked = useAsked((signal) => client.status(signal), "status", 3_000);
  const status = asked.value;
  const words = en.health;
  const names = new Map(
    (channels.value ?? []).flatMap((one) => one.streams.map((s) => [s.id, one.name] as const)),
  );
  const hidden = new Set(["id", "stream_id", "channel_id", "run_id"]);
  const streamColumns = Object.keys(status?.streams[0] ?? {}).filter((name) => !hidden.has(name));
  return (
    <section className="page" aria-label={words.title}>
      <div className="toolbar">
        <h1>{words.title}</h1>
      </div>
      {status === null && asked.problem === null && <Skeleton rows={6} label={en.common.loading} />}
      {asked.problem !== null && <ProblemBox problem={asked.problem} onRetry={asked.refresh} />}
      {status !== null && (
        <>
          <h2>{words.processes}</h2>
          {status.processes.length === 0 && <p className="hint">{words.noProcesses}</p>}
          <Table
            label={words.processes}
            head={[
              words.columns.role,
              words.columns.state,
              words.columns.pid,
              words.columns.since,
              words.columns.restarts,
            ]}
          >
            {status.processes.map((one) => (
              <tr key={one.role} data-testid="process">
                <td>{one.role}</td>
                <td>
                  <State state={one.state} />
                </td>
                <td className="number">{one.pid ?? en.common.none}</td>
                <td className="mono">
                  {one.since_us === null ? en.common.none : momentText(one.since_us, zone)}
                </td>
                <td className="number">{one.restarts}</td>
              </tr>
            ))}
          </Table>
          <h2>{words.volumes}</h2>
          {status.volumes.length === 0 && <p className="hint">{words.noVolumes}</p>}
          <Table
            label={words.volumes}
            head={[words.columns.path, words.columns.state, words.columns.used, words.columns.free]}
          >
            {status.volumes.map((one) => (
              <tr key={one.path} data-testid="volume">
                <td className="mono">{one.path}</td>
                <td>
                  <State state={one.state} />
                </td>
                <td className="number">{bytesText(one.used_bytes)}</td>
                <td className="number">{bytesText(one.free_bytes)}</td>
              </tr>
            ))}
          </Table>
          <h2>{words.streams}</h2>
          {status.streams.length === 0 ? (
            <p className="hint">{words.noStreams}</p>
          ) : (
            <Table label={words.streams} head={[words.columns.camera, ...streamColumns]}>
              {status.streams.map((stream, index) => {
                const id = streamId(stream, index);
                return (
                  <tr key={id}>
                    <td>{names.get(id) ?? id}</td>
                    {streamColumns.map((name) => (
                      <td key={name} className="mono">
                        {cellText(stream[name], name, zone)}
                      </td>
                    ))}
                  </tr>
                );
              })}
            </Table>
          )}
        </>
      )}
    </section>
  );
}
