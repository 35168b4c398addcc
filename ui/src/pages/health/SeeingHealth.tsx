import { seeing, type Analysis, type Model } from "../../api/seeing";
import { go } from "../../kit/address";
import { Icon } from "../../kit/icons";
import { Link, Skeleton } from "../../kit/parts";
import { momentText } from "../../kit/time";
import { en } from "../../text/en";
import { coverageWords, seeingText as words } from "../../text/seeing";
import { ProblemBox } from "../../widgets/ProblemBox";
import { useAsked, useSite } from "../../widgets/site";
import { Table } from "./Table";

const EVERY_MS = 3_000;
const ANALYSED = "analysed";
const COUNT = new Intl.NumberFormat("en-GB");

/** What looks, at which camera, at what cost, and what is in trouble. */
export function SeeingHealth() {
  const asked = useAsked((signal) => seeing.analysis(signal), "analysis", EVERY_MS);
  const analysis = asked.value;
  return (
    <section aria-label={words.title} data-testid="seeing-health">
      <h2>{words.title}</h2>
      {analysis === null && asked.problem === null && <Skeleton rows={3} label={en.common.loading} />}
      {asked.problem !== null && <ProblemBox problem={asked.problem} onRetry={asked.refresh} />}
      {analysis !== null && <Figures analysis={analysis} />}
    </section>
  );
}

function Figures({ analysis }: { readonly analysis: Analysis }) {
  return (
    <>
      <p data-testid="seeing-detector">
        <Icon name="eye" /> {words.detector(analysis.detector === "" ? en.common.none : analysis.detector)}
      </p>
      {!analysis.is_fresh && (
        <p className="field-warning" role="status">
          <Icon name="diamond" /> {words.stale}
        </p>
      )}
      <Channels analysis={analysis} />
      <Troubles analysis={analysis} />
      <Models models={analysis.models} />
    </>
  );
}

function Channels({ analysis }: { readonly analysis: Analysis }) {
  const { zone, channels } = useSite();
  const { columns } = words;
  if (analysis.channels.length === 0) return <p className="hint">{words.noChannels}</p>;
  return (
    <Table
      label={words.channels}
      numbers={[3, 4, 5, 6, 7, 8]}
      head={[
        columns.camera,
        columns.coverage,
        columns.since,
        columns.frames,
        columns.moving,
        columns.detections,
        columns.cost,
        columns.objects,
        columns.shed,
        columns.size,
      ]}
    >
      {analysis.channels.map((one) => {
        const isGood = one.coverage === ANALYSED;
        return (
          <tr key={one.channel_id} data-testid="seen-channel" data-coverage={one.coverage}>
            <td>
              <Link to={`/devices/${one.channel_id}/watches`} go={go}>
                {channels.value?.find((known) => known.id === one.channel_id)?.name ??
                  en.health.unknownCamera}
              </Link>
            </td>
            <td>
              <span className={isGood ? "verdict is-good" : "verdict is-bad"}>
                <Icon name={isGood ? "check" : "alarm"} />
              </span>{" "}
              {coverageWords(one.coverage, one.detail)}
            </td>
            <td className="mono moment">{momentText(one.since_us, zone)}</td>
            <td className="number">{one.frames_per_s.toFixed(1)}</td>
            <td className="number">{Math.round(one.moving_share * 100)} %</td>
            <td className="number">{one.detections_per_s.toFixed(1)}</td>
            <td className="number">{one.cost_ms_per_s.toFixed(0)}</td>
            <td className="number">{one.objects}</td>
            <td className="number">{COUNT.format(one.shed_frames)}</td>
            <td className="moment">
              {one.width_px}×{one.height_px}
            </td>
          </tr>
        );
      })}
    </Table>
  );
}

function Troubles({ analysis }: { readonly analysis: Analysis }) {
  const { channels } = useSite();
  const found = analysis.channels.flatMap((channel) =>
    channel.analytics
      .filter((one) => one.trouble !== "")
      .map((one) => ({ ...one, channelId: channel.channel_id })),
  );
  return (
    <>
      <h3>{words.trouble}</h3>
      {found.length === 0 && <p className="hint">{words.noTrouble}</p>}
      <ul className="lines">
        {found.map((one) => (
          <li key={one.analytic_id} data-testid="analytic-trouble">
            <span>
              <Icon name="diamond" />{" "}
              <Link to={`/devices/${one.channelId}/watches/${one.analytic_id}`} go={go}>
                {channels.value?.find((known) => known.id === one.channelId)?.name ?? en.health.unknownCamera}
              </Link>
              : {one.trouble}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

function Models({ models }: { readonly models: readonly Model[] }) {
  const { columns } = words;
  return (
    <>
      <h3>{words.models}</h3>
      {models.length === 0 && <p className="hint">{words.noModels}</p>}
      {models.length > 0 && (
        <Table
          label={words.models}
          numbers={[]}
          head={[columns.name, columns.task, columns.state, columns.licence, columns.input, columns.card]}
        >
          {models.map((one) => (
            <tr key={one.name} data-testid="model" data-state={one.state}>
              <td>{one.name}</td>
              <td>{one.task}</td>
              <td>
                {words.modelStates[one.state] ?? one.state}
                <span className="hint"> {one.is_verified ? words.verified : words.unverified}</span>
                {one.why !== "" && <p className="field-error">{one.why}</p>}
              </td>
              <td>{one.licence}</td>
              <td className="mono">{one.input}</td>
              <td>
                {one.card !== "" && (
                  <details>
                    <summary>{words.card(one.name)}</summary>
                    <pre className="model-card">{one.card}</pre>
                  </details>
                )}
              </td>
            </tr>
          ))}
        </Table>
      )}
    </>
  );
}
