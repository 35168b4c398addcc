/** Fields beside the plain one: a choice, a long text, a tick. Labels, hints and errors hang together. */

import { useId } from "react";

interface CommonProps {
  readonly label: string;
  readonly hint?: string | undefined;
  readonly error?: string | undefined;
  readonly disabled?: boolean;
  readonly testId?: string;
}

export interface Option {
  readonly value: string;
  readonly words: string;
}

interface SelectProps extends CommonProps {
  readonly value: string;
  readonly options: readonly Option[];
  readonly onChange: (value: string) => void;
  /** More than one: a list that stays open. */
  readonly rows?: number;
}

function Below({
  id,
  hint,
  error,
}: {
  readonly id: string;
  readonly hint?: string | undefined;
  readonly error?: string | undefined;
}) {
  return (
    <>
      {error !== undefined && (
        <p className="field-error" id={`${id}-error`}>
          {error}
        </p>
      )}
      {hint !== undefined && (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </>
  );
}

function describedBy(id: string, hint: string | undefined, error: string | undefined): string | undefined {
  const ids = [error === undefined ? "" : `${id}-error`, hint === undefined ? "" : `${id}-hint`];
  const found = ids.filter((one) => one !== "").join(" ");
  return found === "" ? undefined : found;
}

export function SelectField(props: SelectProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{props.label}</label>
      <select
        id={id}
        value={props.value}
        size={props.rows}
        disabled={props.disabled}
        aria-describedby={describedBy(id, props.hint, props.error)}
        aria-invalid={props.error === undefined ? undefined : true}
        onChange={(event) => props.onChange(event.target.value)}
        data-testid={props.testId}
      >
        {props.options.map((one) => (
          <option key={one.value} value={one.value}>
            {one.words}
          </option>
        ))}
      </select>
      <Below id={id} hint={props.hint} error={props.error} />
    </div>
  );
}

interface AreaProps extends CommonProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly rows?: number;
}

export function AreaField(props: AreaProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{props.label}</label>
      <textarea
        id={id}
        className="mono"
        value={props.value}
        rows={props.rows ?? 6}
        spellCheck={false}
        autoComplete="off"
        disabled={props.disabled}
        aria-describedby={describedBy(id, props.hint, props.error)}
        aria-invalid={props.error === undefined ? undefined : true}
        onChange={(event) => props.onChange(event.target.value)}
        data-testid={props.testId}
      />
      <Below id={id} hint={props.hint} error={props.error} />
    </div>
  );
}

interface CheckProps extends CommonProps {
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  /** The label is for screen readers only: the row shows the words. */
  readonly isBare?: boolean;
}

export function CheckField(props: CheckProps) {
  const id = useId();
  return (
    <div className={props.isBare === true ? "check is-bare" : "field"}>
      <label className="check">
        <input
          type="checkbox"
          checked={props.checked}
          disabled={props.disabled}
          aria-describedby={describedBy(id, props.hint, props.error)}
          onChange={(event) => props.onChange(event.target.checked)}
          data-testid={props.testId}
        />
        <span className={props.isBare === true ? "visually-hidden" : undefined}>{props.label}</span>
      </label>
      <Below id={id} hint={props.hint} error={props.error} />
    </div>
  );
}

interface ProgressProps {
  /** null: nobody knows how long it takes. */
  readonly done: number | null;
  readonly all: number;
  readonly words: string;
}

/** How far something is; the words say it too. */
export function Progress({ done, all, words }: ProgressProps) {
  return (
    <div className="progress" role="status">
      <progress max={Math.max(1, all)} value={done ?? undefined} aria-label={words} />
      <span className="hint">{words}</span>
    </div>
  );
}
