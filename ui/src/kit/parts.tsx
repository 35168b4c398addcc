/** Small parts every page is made of. */

import { useEffect, useId, useRef, type MouseEvent, type ReactNode } from "react";
import { Icon, type IconName } from "./icons";

interface ButtonProps {
  readonly children: ReactNode;
  readonly onClick?: () => void;
  readonly kind?: "plain" | "primary" | "quiet" | "danger";
  readonly type?: "button" | "submit";
  readonly label?: string;
  readonly disabled?: boolean;
  readonly pressed?: boolean | undefined;
  readonly testId?: string;
}

export function Button(props: ButtonProps) {
  return (
    <button
      type={props.type ?? "button"}
      className={`button button-${props.kind ?? "plain"}`}
      onClick={props.onClick}
      disabled={props.disabled}
      aria-label={props.label}
      aria-pressed={props.pressed}
      title={props.label}
      data-testid={props.testId}
    >
      {props.children}
    </button>
  );
}

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly type?: "text" | "password" | "search" | "datetime-local" | "time" | "number";
  readonly hint?: string;
  readonly autoComplete?: string;
  readonly required?: boolean;
  readonly disabled?: boolean;
  readonly testId?: string;
  readonly minLength?: number;
  /** What does not fit in it, in words. */
  readonly error?: string | undefined;
  readonly inputMode?: "text" | "numeric" | "decimal" | "url" | "email";
}

export function Field(props: FieldProps) {
  const id = useId();
  const hintId = `${id}-hint`;
  const errorId = `${id}-error`;
  const described = [
    ...(props.error === undefined ? [] : [errorId]),
    ...(props.hint === undefined ? [] : [hintId]),
  ].join(" ");
  return (
    <div className="field">
      <label htmlFor={id}>{props.label}</label>
      <input
        id={id}
        type={props.type ?? "text"}
        value={props.value}
        onChange={(event) => props.onChange(event.target.value)}
        aria-describedby={described === "" ? undefined : described}
        aria-invalid={props.error === undefined ? undefined : true}
        inputMode={props.inputMode}
        autoComplete={props.autoComplete ?? "off"}
        required={props.required}
        disabled={props.disabled}
        minLength={props.minLength}
        spellCheck={false}
        data-testid={props.testId}
      />
      {props.error !== undefined && (
        <p className="field-error" id={errorId}>
          {props.error}
        </p>
      )}
      {props.hint !== undefined && (
        <p className="hint" id={hintId}>
          {props.hint}
        </p>
      )}
    </div>
  );
}

interface DialogProps {
  readonly title: string;
  readonly closeLabel: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly testId?: string;
}

/** A modal on the browser's own `<dialog>`: focus stays inside, Escape closes. */
export function Dialog({ title, closeLabel, onClose, children, testId }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const dialog = ref.current;
    if (dialog !== null && !dialog.open) dialog.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog ref={ref} className="dialog" aria-labelledby={titleId} onCancel={onClose} data-testid={testId}>
      <header className="dialog-head">
        <h2 id={titleId}>{title}</h2>
        <Button kind="quiet" onClick={onClose} label={closeLabel}>
          <Icon name="close" />
        </Button>
      </header>
      {children}
    </dialog>
  );
}

interface StateProps {
  readonly title: string;
  readonly children?: ReactNode;
  readonly sign?: IconName;
  readonly tone?: "quiet" | "warning" | "error";
  readonly testId?: string;
}

/** Empty, error and denied: what is so, why, and what brings it forth. */
export function StateBox({ title, children, sign, tone = "quiet", testId }: StateProps) {
  return (
    <section
      className={`state state-${tone}`}
      role={tone === "error" ? "alert" : undefined}
      data-testid={testId}
    >
      {sign !== undefined && (
        <span className="state-sign">
          <Icon name={sign} />
        </span>
      )}
      <h2>{title}</h2>
      {children}
    </section>
  );
}

export function Skeleton({ rows, label }: { readonly rows: number; readonly label: string }) {
  return (
    <div className="skeleton" role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className="skeleton-row" />
      ))}
    </div>
  );
}

/** A link inside the page: an address one can copy, without loading the page anew. */
export function Link(props: {
  readonly to: string;
  readonly go: (path: string) => void;
  readonly children: ReactNode;
  readonly className?: string;
  readonly current?: boolean;
  /** What it says to who does not see it. */
  readonly label?: string;
  readonly testId?: string;
}) {
  const follow = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    props.go(props.to);
  };
  return (
    <a
      href={props.to}
      className={props.className}
      onClick={follow}
      aria-current={props.current === true ? "page" : undefined}
      aria-label={props.label}
      title={props.label}
      data-testid={props.testId}
    >
      {props.children}
    </a>
  );
}
