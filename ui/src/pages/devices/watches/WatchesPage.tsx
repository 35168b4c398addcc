import { seeing, type Analytic, type AnalyticPlugin } from "../../../api/seeing";
import type { Problem } from "../../../api/result";
import type { Channel } from "../../../api/types";
import { go } from "../../../kit/address";
import { Icon, type IconName } from "../../../kit/icons";
import { Button, Link, Skeleton, StateBox } from "../../../kit/parts";
import { en } from "../../../text/en";
import { watchText as words } from "../../../text/seeing";
import { DeniedBox, ProblemBox, problemWords } from "../../../widgets/ProblemBox";
import { PurposeNeeded } from "../../../widgets/PurposeNeeded";
import { useAsked, useSite } from "../../../widgets/site";
import type { OtherShape } from "../../../widgets/zones/Drawing";
import { readPoints } from "../../../widgets/zones/geometry";
import { AnalyticForm } from "./AnalyticForm";
import { freshName, shapeOf } from "./draft";
import "./watches.css";

const EVERY_MS = 10_000;
const FRESH = "new-";

interface WatchesPageProps {
  readonly channel: Channel;
  /** The rest of the address: an analytic's id, or `new-<plug-in>`. */
  readonly shown: string;
}

/** /devices/<camera>/watches[/<analytic> | /new-<plug-in>]: all that is looked for in one camera's picture. */
export function WatchesPage({ channel, shown }: WatchesPageProps) {
  const { can } = useSite();
  if (!can("rule.read") && !can("camera.edit")) return <DeniedBox permission="rule.read" />;
  return <Watches key={channel.id} channel={channel} shown={shown} />;
}

/** Switching and taking out at once, with a way back. */
function useSwitching(channelId: string, refresh: () => void) {
  const site = useSite();
  const failed = (problem: Problem | null) => {
    if (problem !== null) site.say(problemWords(problem));
  };
  const put = async (one: Analytic, isOn: boolean, isUndo = false): Promise<void> => {
    const answer = await seeing.edit(channelId, one.id, { ...draftFields(one), is_on: isOn });
    refresh();
    if (!answer.ok) failed(answer.problem);
    else {
      const undo = () => void put(one, !isOn, true);
      site.say(isOn ? words.switchedOn(one.name) : words.switchedOff(one.name), isUndo ? undefined : undo);
    }
  };
  const restore = async (one: Analytic) => {
    const back = await seeing.add(channelId, draftFields(one));
    refresh();
    if (back.ok) site.say(words.restored(one.name));
    else failed(back.problem);
  };
  const remove = async (one: Analytic) => {
    const answer = await seeing.remove(channelId, one.id);
    refresh();
    if (!answer.ok) {
      failed(answer.problem);
      return;
    }
    go(`/devices/${channelId}/watches`);
    site.say(words.removed(one.name), () => void restore(one));
  };
  return { put, remove };
}

function Watches({ channel, shown }: WatchesPageProps) {
  const plugins = useAsked((signal) => seeing.plugins(signal), "plugins", null);
  const asked = useAsked((signal) => seeing.analytics(channel.id, signal), channel.id, EVERY_MS);
  const problem = asked.problem ?? plugins.problem;
  const isReady = asked.value !== null && plugins.value !== null;
  return (
    <section className="page watches" aria-label={words.title(channel.name)} data-testid="watches">
      <div className="toolbar">
        <h1>{words.title(channel.name)}</h1>
        <Link to={`/devices/${channel.id}`} go={go} className="button">
          {words.back}
        </Link>
      </div>
      {!isReady && problem === null && <Skeleton rows={5} label={en.common.loading} />}
      {!isReady && problem !== null && <ProblemBox problem={problem} onRetry={asked.refresh} />}
      {isReady && problem !== null && (
        <p className="field-warning" role="status">
          <Icon name="diamond" /> {problemWords(problem)}
        </p>
      )}
      {isReady && (
        <Board
          channel={channel}
          shown={shown}
          list={asked.value}
          plugins={plugins.value}
          refresh={asked.refresh}
        />
      )}
    </section>
  );
}

interface BoardProps extends WatchesPageProps {
  readonly list: readonly Analytic[];
  readonly plugins: readonly AnalyticPlugin[];
  readonly refresh: () => void;
}

function Board({ channel, shown, list, plugins, refresh }: BoardProps) {
  const site = useSite();
  const { put, remove } = useSwitching(channel.id, refresh);
  const base = `/devices/${channel.id}/watches`;
  const analytic = list.find((one) => one.id === shown) ?? null;
  const pluginName = shown.startsWith(FRESH) ? shown.slice(FRESH.length) : analytic?.plugin;
  const plugin = plugins.find((one) => one.name === pluginName) ?? null;
  return (
    <>
      <div className="watch-list" role="group" aria-label={words.list}>
        {list.length > 0 && (
          <ul className="plain">
            {list.map((one) => (
              <Row
                key={one.id}
                one={one}
                plugin={plugins.find((other) => other.name === one.plugin) ?? null}
                to={`${base}/${one.id}`}
                isShown={one.id === shown}
                onSwitch={(isOn) => void put(one, isOn)}
              />
            ))}
          </ul>
        )}
        <Adders plugins={plugins} base={base} />
      </div>
      {plugin !== null && site.purpose === null && <PurposeNeeded lacks={null} />}
      {plugin !== null && (
        <AnalyticForm
          key={`${shown} ${analytic?.changed_us ?? ""}`}
          channel={channel}
          plugin={plugin}
          analytic={analytic}
          freshName={freshName(
            wordOf(plugin),
            list.map((one) => one.name),
          )}
          others={othersOf(list, plugins, shown)}
          onSaved={(saved) => {
            refresh();
            go(`${base}/${saved.id}`);
          }}
          onRemove={analytic === null ? null : () => void remove(analytic)}
          onDiscard={() => go(base)}
        />
      )}
      {plugin === null && list.length === 0 && (
        <StateBox title={words.empty} sign="zone" testId="watches-empty">
          <p>{words.emptyHint}</p>
        </StateBox>
      )}
    </>
  );
}

function wordOf(plugin: AnalyticPlugin): string {
  const shape = shapeOf(plugin);
  return shape === null ? plugin.title : words.editor[shape];
}

function draftFields({ plugin, name, settings, schedule, is_on }: Analytic) {
  return { plugin, name, settings, schedule, is_on };
}

function othersOf(
  list: readonly Analytic[],
  plugins: readonly AnalyticPlugin[],
  shown: string,
): readonly OtherShape[] {
  return list.flatMap((one) => {
    const plugin = plugins.find((known) => known.name === one.plugin);
    const shape = plugin === undefined ? null : shapeOf(plugin);
    if (one.id === shown || shape === null) return [];
    return [{ id: one.id, name: one.name, shape, points: readPoints(one.settings[shape]) }];
  });
}

const SIGNS: Readonly<Record<string, IconName>> = { zone: "zone", line: "crossing" };

interface RowProps {
  readonly one: Analytic;
  readonly plugin: AnalyticPlugin | null;
  readonly to: string;
  readonly isShown: boolean;
  readonly onSwitch: (isOn: boolean) => void;
}

function Row({ one, plugin, to, isShown, onSwitch }: RowProps) {
  const { can } = useSite();
  const isTroubled = one.trouble !== null && one.trouble !== "";
  return (
    <li className={isShown ? "watch-row is-shown" : "watch-row"} data-testid="watch-row">
      <Link to={to} go={go} current={isShown} className="watch-name">
        <Icon
          name={isTroubled ? "diamond" : (SIGNS[plugin === null ? "" : (shapeOf(plugin) ?? "")] ?? "eye")}
        />{" "}
        {one.name}
      </Link>
      <label className="check">
        <input
          type="checkbox"
          role="switch"
          checked={one.is_on}
          disabled={!can("camera.edit")}
          aria-label={words.isOn(one.name)}
          onChange={(event) => onSwitch(event.target.checked)}
        />
        <span>{one.is_on ? words.on : words.off}</span>
      </label>
      {isTroubled && <span className="field-warning">{words.trouble(one.trouble)}</span>}
    </li>
  );
}

function Adders({ plugins, base }: { readonly plugins: readonly AnalyticPlugin[]; readonly base: string }) {
  const { can } = useSite();
  const canEdit = can("camera.edit");
  const label = (plugin: AnalyticPlugin): string => {
    const shape = plugin.name === "zone" || plugin.name === "line" ? plugin.name : null;
    return shape === null ? words.addOther(plugin.title) : shape === "zone" ? words.addZone : words.addLine;
  };
  return (
    <div className="group">
      {plugins.map((plugin) => (
        <Button
          key={plugin.name}
          disabled={!canEdit || (plugin.why !== null && plugin.why !== "")}
          label={canEdit ? (plugin.why ?? "") || label(plugin) : en.problem.denied("camera.edit")}
          onClick={() => go(`${base}/${FRESH}${plugin.name}`)}
          testId={`watch-add-${plugin.name}`}
        >
          <Icon name={SIGNS[shapeOf(plugin) ?? ""] ?? "plus"} /> {label(plugin)}
        </Button>
      ))}
    </div>
  );
}
