import { useEffect, useRef, useState } from "react";
import type { DevicePurpose, Group } from "../../api/devices";
import type { Channel } from "../../api/types";
import { CheckField, SelectField } from "../../kit/forms";
import { Icon, type IconName } from "../../kit/icons";
import { Button, Field } from "../../kit/parts";
import { addingText as words } from "../../text/devices";
import { en } from "../../text/en";
import { StateSign } from "../CameraTree";
import { GroupSelect, PurposeSelect } from "./Choices";
import { TroubleBox } from "./TroubleBox";
import type { Row, RowState } from "./rows";

const SIGNS: Readonly<Record<RowState, IconName>> = {
  waiting: "waiting",
  testing: "waiting",
  good: "check",
  trouble: "alarm",
  listed: "list",
  adding: "waiting",
  added: "bar",
};

export interface RowCardProps {
  readonly row: Row;
  readonly isOnly: boolean;
  /** The name is settled already: only the test matters. */
  readonly isNamed?: boolean;
  readonly purposes: readonly DevicePurpose[];
  readonly groups: readonly Group[];
  readonly channel: Channel | null;
  readonly onChange: (change: Partial<Row>) => void;
  readonly onTest: (change: Partial<Row>) => void;
  readonly onLeaveOut: () => void;
  readonly onInput: (input: number) => void;
  /** Enter in the name. */
  readonly onEnter: () => void;
}

function title(row: Row): string {
  if (row.name !== "") return row.name;
  return row.label === "" ? row.address : row.label;
}

/** One camera on its way in: picture, state in words, what to do about a trouble, its name. */
export function RowCard(props: RowCardProps) {
  const { row, channel } = props;
  const isOpen = row.state === "good";
  const nameBox = useRef<HTMLDivElement>(null);
  const { isOnly } = props;
  useEffect(() => {
    // The only camera works: the next thing to type is its name.
    const field = isOnly && isOpen ? nameBox.current?.querySelector("input") : null;
    field?.focus();
    field?.select();
  }, [isOnly, isOpen]);
  return (
    <li className={`row-card is-${row.state}`} data-testid="adding-row" data-state={row.state}>
      <Picture row={row} />
      <div className="row-body">
        <p className="row-state" role="status">
          <span className={`sign row-sign-${row.state}`}>
            <Icon name={SIGNS[row.state]} />
          </span>{" "}
          <strong>{words.states[row.state]}</strong>{" "}
          {row.tried !== null && <span className="hint">{words.tookMs(row.tried.took_ms)}</span>}{" "}
          {channel !== null && (
            <span data-testid="adding-standing">
              <StateSign channel={channel} /> {en.channelState[channel.state]}
            </span>
          )}
        </p>
        <p className="row-address mono">{row.address}</p>
        <Facts row={row} />
        {row.state === "trouble" && row.trouble !== null && (
          <TroubleBox row={row} trouble={row.trouble} onTest={props.onTest} />
        )}
        {isOpen ? (
          <div ref={nameBox} className="two">
            {props.isNamed !== true && (
              <form
                className="field"
                onSubmit={(event) => {
                  event.preventDefault();
                  props.onEnter();
                }}
              >
                <Field
                  label={words.name}
                  value={row.name}
                  onChange={(name) => props.onChange({ name })}
                  error={row.name.trim() === "" ? words.nameNeeded : undefined}
                  required
                  testId="camera-name"
                />
              </form>
            )}
            <Inputs {...props} />
          </div>
        ) : (
          (row.state === "added" || row.state === "listed") && <p>{title(row)}</p>
        )}
        {isOpen && props.isNamed !== true && <More {...props} />}
      </div>
      {row.state !== "added" && row.state !== "adding" && (
        <Button kind="quiet" onClick={props.onLeaveOut} label={words.takeOut(title(row))} testId="leave-out">
          <Icon name="close" />
        </Button>
      )}
    </li>
  );
}

function Picture({ row }: { readonly row: Row }) {
  const jpeg = row.tried?.picture_jpeg_base64 ?? null;
  if (jpeg !== null) {
    return (
      <img
        className="row-picture"
        alt={words.picture(title(row))}
        src={`data:image/jpeg;base64,${jpeg}`}
        data-testid="probe-picture"
      />
    );
  }
  return (
    <div className="row-picture is-empty">
      <Icon name={row.state === "trouble" ? "alarm" : "camera"} />
      {row.tried !== null && <span className="hint">{words.noPicture}</span>}
    </div>
  );
}

function Facts({ row }: { readonly row: Row }) {
  const { tried } = row;
  if (tried === null) return row.label === "" ? null : <p className="hint">{row.label}</p>;
  const model = [tried.identity?.maker, tried.identity?.model].filter(Boolean).join(" ");
  const stream = tried.inputs.find((one) => one.index === row.input)?.streams[0];
  const size = stream?.width_px && stream.height_px ? `${stream.width_px}×${stream.height_px}` : "";
  const facts = [model, (stream?.codec ?? "").toUpperCase(), size].filter((one) => one !== "");
  return (
    <>
      {facts.length > 0 && <p className="hint">{facts.join(" · ")}</p>}
      {tried.warnings.map((one) => (
        <p key={one.code} className="field-warning">
          <Icon name="diamond" /> {one.words}
        </p>
      ))}
      {tried.sends_password_in_clear && !tried.warnings.some((one) => one.code.includes("clear")) && (
        <p className="field-warning">
          <Icon name="diamond" /> {words.clearPassword}
        </p>
      )}
    </>
  );
}

/** A device with several lenses: choose the one of this row, add the others beside it. */
function Inputs({ row, onTest, onInput }: RowCardProps) {
  const inputs = row.tried?.inputs ?? [];
  if (inputs.length < 2) return null;
  return (
    <div className="field">
      <SelectField
        label={words.input}
        value={String(row.input)}
        options={inputs.map((one) => ({
          value: String(one.index),
          words: words.inputOf(one.index, one.name),
        }))}
        onChange={(value) => onTest({ input: Number(value) })}
        testId="camera-input"
      />
      <div className="group">
        {inputs
          .filter((one) => one.index !== row.input)
          .map((one) => (
            <Button key={one.index} kind="quiet" onClick={() => onInput(one.index)}>
              {words.addInput(words.inputOf(one.index, one.name))}
            </Button>
          ))}
      </div>
    </div>
  );
}

function More({ row, purposes, groups, onChange }: RowCardProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details className="more" open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{words.more}</summary>
      {isOpen && (
        <>
          <div className="three">
            <Field label={words.place} value={row.place} onChange={(place) => onChange({ place })} />
            <Field
              label={words.latitude}
              inputMode="decimal"
              value={row.latitude}
              onChange={(latitude) => onChange({ latitude })}
            />
            <Field
              label={words.longitude}
              inputMode="decimal"
              value={row.longitude}
              onChange={(longitude) => onChange({ longitude })}
            />
          </div>
          <div className="two">
            <PurposeSelect
              purposes={purposes}
              value={row.purpose}
              onChange={(purpose) => onChange({ purpose })}
            />
            <GroupSelect groups={groups} value={row.groupId} onChange={(groupId) => onChange({ groupId })} />
          </div>
          <CheckField
            label={words.audio}
            hint={words.audioHint}
            checked={row.audio}
            onChange={(audio) => onChange({ audio })}
          />
        </>
      )}
    </details>
  );
}
