import { client } from "../../api/client";
import type { SystemStatus } from "../../api/types";
import { Icon } from "../../kit/icons";
import { Skeleton } from "../../kit/parts";
import { bitrateText, bytesText, momentText } from "../../kit/time";
import { en, reasonWords } from "../../text/en";
import { DeniedBox, ProblemBox } from "../../widgets/ProblemBox";
import { useAsked, useSite } from "../../widgets/site";
import { AvailabilityHealth } from "./AvailabilityHealth";
import { SeeingHealth } from "./SeeingHealth";
import { Table } from "./Table";

const GOOD_STATES = ["running", "ok", "ready", "healthy", "writing", "recording", "live", "good"];

export function HealthPage() {
  const site = useSite();
  return site.can("system.read") ? <Health /> : <DeniedBox permission="system.read" />;
}

function State({ state }: { readonly state: string }) {
  const isGood = GOOD_STATES.includes(state.toLowerCase());
  return (
    <span className={isGood ? "verdict is-good" : "verdict is-bad"}>
      <Icon name={isGood ? "check" : "alarm"} /> {wordsFor(en.health.states, state)}
    </span>
  );
}

function wordsFor(known: Readonly<Record<string, string>>, name: string): string {
  return known[name] ?? name;
}

function text(stream: SystemStatus["streams"][number], name: string): string {
  const value = stream[name];
  return typeof value === "string" ? value : "";
}

function amount(stream: SystemStatus["streams"][number], name: string): number | null {
  const value = stream[name];
  return typeof value === "number" ? value : null;
}

const COUNT = new Intl.NumberFormat("en-GB");

function countText(value: number | null): string {
  return value === null ? en.common.none : COUNT.format(value);
}

function Streams({ streams }: { readonly streams: SystemStatus["streams"] }) {
  const { zone, channels } = useSite();
  const { columns } = en.health;
  const names = new Map(
    (channels.value ?? []).flatMap((one) => one.streams.map((s) => [s.id, one.name] as const)),
  );
  return (
    <Table
      label={en.health.streams}
      numbers={[3, 4, 5, 6, 7]}
      head={[
        columns.camera,
        columns.state,
        columns.since,
        columns.fps,
        columns.rate,
        columns.units,
        columns.lost,
        columns.damaged,
        columns.transport,
        columns.reason,
      ]}
    >
      {streams.map((stream, index) => {
        const state = text(stream, "state");
        const sinceUs = amount(stream, "since_us");
        const bps = amount(stream, "bitrate_bps");
        return (
          <tr key={text(stream, "id") || index} data-testid="stream">
            <td>{names.get(text(stream, "id")) ?? en.health.unknownCamera}</td>
            <td>
              <State state={state} />
            </td>
            <td className="mono moment">{sinceUs === null ? en.common.none : momentText(sinceUs, zone)}</td>
            <td className="number">{amount(stream, "fps")?.toFixed(1) ?? en.common.none}</td>
            <td className="number">{bps === null ? en.common.none : bitrateText(bps)}</td>
            <td className="number">{countText(amount(stream, "units"))}</td>
            <td className="number">{countText(amount(stream, "lost_packets"))}</td>
            <td className="number">{countText(amount(stream, "damaged_units"))}</td>
            <td>{text(stream, "transport").toUpperCase()}</td>
            <td>{state === "running" ? "" : reasonWords(text(stream, "reason"), text(stream, "detail"))}</td>
          </tr>
        );
      })}
    </Table>
  );
}

function Health() {
  const { zone } = useSite();
  const asked = useAsked((signal) => client.status(signal), "status", 3_000);
  const status = asked.value;
  const words = en.health;
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
            numbers={[2, 4]}
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
                <td>{wordsFor(en.health.roles, one.role)}</td>
                <td>
                  <State state={one.state} />
                </td>
                <td className="number">{one.pid ?? en.common.none}</td>
                <td className="mono moment">
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
            numbers={[2, 3]}
            head={[
              words.columns.path,
              words.columns.state,
              words.columns.used,
              words.columns.free,
              words.columns.lasts,
            ]}
          >
            {status.volumes.map((one) => (
              <tr key={one.path} data-testid="volume">
                <td className="mono">{one.path}</td>
                <td>
                  <State state={one.state} />
                </td>
                <td className="number">{bytesText(one.used_bytes)}</td>
                <td className="number">{bytesText(one.free_bytes)}</td>
                <td data-testid="volume-lasts">{words.lasts(one.hours_left, one.reach_hours)}</td>
              </tr>
            ))}
          </Table>
          <h2>{words.streams}</h2>
          {status.streams.length === 0 ? (
            <p className="hint">{words.noStreams}</p>
          ) : (
            <Streams streams={status.streams} />
          )}
        </>
      )}
      <AvailabilityHealth />
      <SeeingHealth />
    </section>
  );
}
