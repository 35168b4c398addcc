import { useEffect, useState } from "react";
import { seeing, type Analytic, type AnalyticPlugin } from "../../../api/seeing";
import type { Problem } from "../../../api/result";
import type { Channel } from "../../../api/types";
import { SelectField } from "../../../kit/forms";
import { Icon } from "../../../kit/icons";
import { Button, Field } from "../../../kit/parts";
import { momentText } from "../../../kit/time";
import { aiClassWords, sortWords, SORTS_OFFERED, watchText as words } from "../../../text/seeing";
import { ChoiceSet } from "../../../widgets/ChoiceSet";
import { problemWords } from "../../../widgets/ProblemBox";
import { faultsOf, fieldsOf, refusedFields, schemaWithout, type Fault } from "../../../widgets/schema";
import { SchemaForm } from "../../../widgets/SchemaForm";
import { useSite } from "../../../widgets/site";
import { Schedule } from "../../../widgets/WeekHours";
import type { OtherShape } from "../../../widgets/zones/Drawing";
import type { Shape, Size } from "../../../widgets/zones/geometry";
import { Ground } from "../../../widgets/zones/Ground";
import { did, redone, undone, type Past } from "../../../widgets/zones/undo";
import { ZoneEditor } from "../../../widgets/zones/ZoneEditor";
import {
  draftOf,
  hasField,
  isGood,
  keepDraft,
  keptDraft,
  OWN_FIELDS,
  sentOf,
  shapeOf,
  type Draft,
} from "./draft";

interface AnalyticFormProps {
  readonly channel: Channel;
  readonly plugin: AnalyticPlugin;
  /** Null: a new one. */
  readonly analytic: Analytic | null;
  readonly freshName: string;
  readonly others: readonly OtherShape[];
  readonly onSaved: (analytic: Analytic) => void;
  readonly onRemove: (() => void) | null;
  readonly onDiscard: () => void;
}

function sizeOf(channel: Channel): Size {
  const stream = channel.streams.find((one) => one.width_px !== null && one.height_px !== null);
  return { width: stream?.width_px ?? 1920, height: stream?.height_px ?? 1080 };
}

/** The work on one analytic: what it is now, what was before, and saving it. */
function useWork({ channel, plugin, analytic, freshName, onSaved }: AnalyticFormProps) {
  const site = useSite();
  const key = `${channel.id} ${analytic?.id ?? plugin.name} ${analytic?.changed_us ?? ""}`;
  const [past, setPast] = useState<Past<Draft>>(() => keptDraft(key, draftOf(plugin, analytic, freshName)));
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isTried, setTried] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const draft = past.now;
  const shape = shapeOf(plugin);
  const rest = schemaWithout(plugin.settings_schema, [...OWN_FIELDS, ...(shape === null ? [] : [shape])]);
  const faults = faultsOf(fieldsOf(rest), draft.settings);
  const isReady = isGood(plugin, draft) && faults.size === 0;
  const go = (by: (past: Past<Draft>) => Past<Draft>) => {
    setPast(by);
    setProblem(null);
  };
  useEffect(() => {
    if (past.before.length > 0) keepDraft(key, past);
  }, [key, past]);
  const save = async () => {
    setTried(true);
    if (!isReady) return;
    setBusy(true);
    const sent = sentOf(plugin, draft);
    const answer = await (analytic === null
      ? seeing.add(channel.id, sent)
      : seeing.edit(channel.id, analytic.id, sent));
    setBusy(false);
    if (answer.ok) {
      keepDraft(key, null);
      site.say(words.saved(answer.value.name));
      onSaved(answer.value);
    } else setProblem(answer.problem);
  };
  return {
    past,
    draft,
    shape,
    rest,
    faults: isTried ? faults : new Map<string, Fault>(),
    refused: refusedFields(problem?.more, "settings."),
    problem,
    isTried,
    isBusy,
    isReady,
    isChanged: past.before.length > 0,
    canEdit: site.can("camera.edit"),
    change: (by: Partial<Draft>, step = "") => go((old) => did(old, { ...old.now, ...by }, step)),
    go,
    save,
    forget: () => keepDraft(key, null),
  };
}

type Work = ReturnType<typeof useWork>;

/** One analytic: the picture it is drawn on, and what counts. Make it anew (by `key`) for another one. */
export function AnalyticForm(props: AnalyticFormProps) {
  const { channel, plugin, analytic } = props;
  const work = useWork(props);
  const [size, setSize] = useState(() => sizeOf(channel));
  return (
    <form
      className="watch-form"
      noValidate
      aria-label={work.draft.name}
      data-testid="watch-form"
      onSubmit={(event) => {
        event.preventDefault();
        void work.save();
      }}
    >
      {work.shape !== null && (
        <Picture
          work={work}
          shape={work.shape}
          channel={channel}
          size={size}
          others={props.others}
          onSize={setSize}
        />
      )}
      <div className="watch-fields">
        <Warnings work={work} analytic={analytic} />
        <Field
          label={words.name}
          hint={words.nameHint}
          value={work.draft.name}
          disabled={!work.canEdit}
          onChange={(name) => work.change({ name }, "name")}
          error={work.isTried && work.draft.name.trim() === "" ? words.nameNeeded : work.refused["name"]}
          required
          testId="watch-name"
        />
        <OwnFields plugin={plugin} work={work} size={size} />
        <Schedule
          label={words.schedule}
          value={work.draft.schedule}
          disabled={!work.canEdit}
          onChange={(schedule) => work.change({ schedule }, "schedule")}
          testId="watch-schedule"
        />
        <MoreFields work={work} />
        <About plugin={plugin} />
        <Foot work={work} {...props} />
      </div>
    </form>
  );
}

interface PictureProps {
  readonly work: Work;
  readonly shape: Shape;
  readonly channel: Channel;
  readonly size: Size;
  readonly others: readonly OtherShape[];
  readonly onSize: (size: Size) => void;
}

function Picture({ work, shape, channel, size, others, onSize }: PictureProps) {
  const { purpose, can } = useSite();
  const { past, draft, change, go } = work;
  const ground =
    purpose === null || !can("video.live") ? (
      <p className="zone-still">{words.editor.noPicture}</p>
    ) : (
      <Ground key={`${channel.id} ${purpose}`} channelId={channel.id} purpose={purpose} onSize={onSize} />
    );
  return (
    <div className="watch-picture">
      <ZoneEditor
        ground={ground}
        size={size}
        shape={shape}
        points={draft.points}
        isDrawing={draft.isDrawing}
        direction={textOf(draft.settings["direction"])}
        minHeightN={numberOf(draft.settings["min_height_n"])}
        others={others}
        disabled={!work.canEdit || work.isBusy}
        canUndo={past.before.length > 0}
        canRedo={past.after.length > 0}
        onPoints={(points, step) => change({ points }, step)}
        onDrawing={(isDrawing) => go((old) => ({ ...old, now: { ...old.now, isDrawing }, step: "" }))}
        onUndo={() => go(undone)}
        onRedo={() => go(redone)}
      />
    </div>
  );
}

function Warnings({ work, analytic }: { readonly work: Work; readonly analytic: Analytic | null }) {
  const trouble = analytic?.trouble ?? "";
  return (
    <>
      {!work.canEdit && (
        <p className="field-warning">
          <Icon name="lock" /> {words.readOnly}
        </p>
      )}
      {trouble !== "" && (
        <p className="field-error" role="status">
          {words.trouble(trouble)}
        </p>
      )}
    </>
  );
}

function MoreFields({ work }: { readonly work: Work }) {
  if (fieldsOf(work.rest).length === 0) return null;
  const isWrong = work.faults.size > 0 || Object.keys(work.refused).length > 0;
  return (
    <details className="watch-more" open={isWrong || undefined}>
      <summary>{words.more}</summary>
      <SchemaForm
        schema={work.rest}
        value={work.draft.settings}
        faults={work.faults}
        refused={work.refused}
        disabled={!work.canEdit}
        onChange={(settings) => work.change({ settings }, "settings")}
      />
    </details>
  );
}

function Foot({ work, analytic, onRemove, onDiscard }: AnalyticFormProps & { readonly work: Work }) {
  const { zone } = useSite();
  const changed =
    analytic === null ? "" : words.changed(analytic.changed_by, momentText(analytic.changed_us, zone));
  return (
    <>
      {work.problem !== null && (
        <p className="field-error" role="alert" data-testid="watch-problem">
          {problemWords(work.problem)}
        </p>
      )}
      <div className="settings-foot">
        <span className="hint" role="status">
          {work.isChanged ? words.unsaved : changed}
        </span>
        {onRemove !== null && (
          <Button disabled={!work.canEdit || work.isBusy} onClick={onRemove} testId="watch-remove">
            {words.remove}
          </Button>
        )}
        <Button
          disabled={work.isBusy || (!work.isChanged && analytic !== null)}
          onClick={() => {
            work.forget();
            onDiscard();
          }}
        >
          {words.discard}
        </Button>
        <Button
          kind="primary"
          type="submit"
          disabled={!work.canEdit || work.isBusy || (work.shape !== null && !work.isReady)}
          testId="watch-save"
        >
          {words.save}
        </Button>
      </div>
    </>
  );
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function numberOf(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

interface OwnFieldsProps {
  readonly plugin: AnalyticPlugin;
  readonly work: Work;
  readonly size: Size;
}

/** Classes, least height and direction, where the plug-in has them. */
function OwnFields({ plugin, work, size }: OwnFieldsProps) {
  const { draft, refused, change: onChange } = work;
  const disabled = !work.canEdit;
  const schema = plugin.settings_schema;
  const { settings } = draft;
  const set = (name: string, value: unknown) => onChange({ settings: { ...settings, [name]: value } }, name);
  const classes = settings["classes"];
  const heightPx = Math.round(numberOf(settings["min_height_n"]) * size.height);
  const leastPx = plugin.needs.min_height_px;
  return (
    <>
      {hasField(schema, "classes") && (
        <ChoiceSet
          label={words.classes}
          hint={words.classesHint}
          error={refused["classes"]}
          disabled={disabled}
          choices={SORTS_OFFERED}
          chosen={Array.isArray(classes) ? classes.map(textOf) : []}
          words={sortWords}
          onChange={(chosen) => set("classes", chosen)}
          testId="watch-class"
        />
      )}
      {hasField(schema, "min_height_n") && (
        <Field
          label={words.minHeight}
          hint={leastPx > 0 ? words.minHeightHint(heightPx, leastPx) : words.minHeightPlain(heightPx)}
          error={refused["min_height_n"]}
          type="number"
          value={String(Number((numberOf(settings["min_height_n"]) * 100).toFixed(2)))}
          disabled={disabled}
          onChange={(text) => set("min_height_n", Math.min(1, Math.max(0, Number(text) / 100)))}
          testId="watch-height"
        />
      )}
      {hasField(schema, "direction") && (
        <SelectField
          label={words.direction}
          error={refused["direction"]}
          value={textOf(settings["direction"])}
          disabled={disabled}
          options={Object.entries(words.directions).map(([value, shown]) => ({ value, words: shown }))}
          onChange={(direction) => set("direction", direction)}
          testId="watch-direction"
        />
      )}
    </>
  );
}

/** What the register of AI use knows of it. */
function About({ plugin }: { readonly plugin: AnalyticPlugin }) {
  return (
    <dl className="watch-about">
      <div>
        <dt>{words.infers}</dt>
        <dd>{plugin.infers}</dd>
      </div>
      <div>
        <dt>{words.aiClass}</dt>
        <dd>{aiClassWords(plugin.ai_class)}</dd>
      </div>
      {plugin.why !== null && plugin.why !== "" && (
        <p className="field-error">{words.pluginBroken(plugin.why)}</p>
      )}
    </dl>
  );
}
