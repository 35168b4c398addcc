import { useState } from "react";
import { AreaField, CheckField, SelectField, type Option } from "../kit/forms";
import { Field } from "../kit/parts";
import { CHOICES, settingsText } from "../text/site";
import {
  fieldsOf,
  valueAt,
  withValueAt,
  type Fault,
  type FormField,
  type Schema,
  type Value,
} from "./schema";
import { ChoiceSet } from "./ChoiceSet";
import { TargetChoice } from "./TargetChoice";
import { TextList } from "./TextList";
import { ZonePicker } from "./ZonePicker";

const words = settingsText.form;
/** A text that may be as long as this gets several lines. */
const LONG_TEXT = 1000;

function faultWords(fault: Fault): string {
  return "limit" in fault ? words[fault.kind](fault.limit) : words[fault.kind];
}

interface SchemaFormProps {
  readonly schema: Schema;
  readonly value: Value;
  readonly faults: ReadonlyMap<string, Fault>;
  /** The server's words, by field. */
  readonly refused: Readonly<Record<string, string>>;
  readonly disabled: boolean;
  readonly onChange: (value: Value) => void;
}

/** A form drawn from JSON schema. The caller owns the value and saves it. */
export function SchemaForm({ schema, value, onChange, ...rest }: SchemaFormProps) {
  return (
    <Fields
      fields={fieldsOf(schema)}
      value={value}
      onSet={(path, next) => onChange(withValueAt(value, path, next))}
      {...rest}
    />
  );
}

interface FieldsProps {
  readonly fields: readonly FormField[];
  readonly value: Value;
  readonly faults: ReadonlyMap<string, Fault>;
  readonly refused: Readonly<Record<string, string>>;
  readonly disabled: boolean;
  readonly onSet: (path: readonly string[], next: unknown) => void;
}

function Fields(props: FieldsProps) {
  return (
    <>
      {props.fields.map((field) => (
        <OneField key={field.path.join(".")} field={field} {...props} />
      ))}
    </>
  );
}

function errorOf(name: string, { faults, refused }: FieldsProps): string | undefined {
  const fault = faults.get(name);
  return fault !== undefined ? faultWords(fault) : refused[name];
}

function OneField({ field, ...props }: FieldsProps & { readonly field: FormField }) {
  const name = field.path.join(".");
  const now = valueAt(props.value, field.path);
  const error = errorOf(name, props);
  const shared = {
    label: field.title,
    hint: field.description ?? undefined,
    error,
    disabled: props.disabled,
    testId: `setting-${name}`,
  };
  const set = (next: unknown) => props.onSet(field.path, next);
  switch (field.kind) {
    case "text":
      return <TextField shared={shared} field={field} now={now} onSet={set} />;
    case "number":
      return <NumberField shared={shared} field={field} now={now} onSet={set} />;
    case "boolean":
      return <CheckField {...shared} checked={now === true} onChange={set} />;
    case "choice":
      return (
        <SelectField
          {...shared}
          value={textOf(now)}
          options={optionsOf(field)}
          onChange={(chosen) => set(field.choices.find((one) => String(one) === chosen) ?? null)}
        />
      );
    case "list":
      return <ListField {...shared} format={field.format} items={textsOf(now)} onChange={set} />;
    case "set":
      return (
        <ChoiceSet
          label={field.title}
          hint={field.description ?? undefined}
          error={error}
          disabled={props.disabled}
          choices={field.choices}
          chosen={textsOf(now)}
          words={(one) => CHOICES[one] ?? one}
          onChange={set}
          testId={`setting-${name}`}
        />
      );
    case "object":
      return (
        <fieldset className="box">
          <legend>{field.title}</legend>
          {field.description !== null && <p className="hint">{field.description}</p>}
          <Fields {...props} fields={field.fields} />
        </fieldset>
      );
    case "unknown":
      return <UnknownField title={field.title} now={now} />;
  }
}

function UnknownField({ title, now }: { readonly title: string; readonly now: unknown }) {
  return (
    <div className="field">
      <span>{title}</span>
      <p className="hint">{words.unknownKind}</p>
      <pre className="mono">{JSON.stringify(now, null, 2)}</pre>
    </div>
  );
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(textOf) : [];
}

function optionsOf(field: FormField & { readonly kind: "choice" }): readonly Option[] {
  const all = field.choices.map((one) => ({
    value: String(one),
    words: CHOICES[String(one)] ?? String(one),
  }));
  return field.isNullable ? [{ value: "", words: words.none }, ...all] : all;
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

interface SharedProps {
  readonly label: string;
  readonly hint: string | undefined;
  readonly error: string | undefined;
  readonly disabled: boolean;
  readonly testId: string;
}

/** `Field` takes a hint or none at all. */
function withoutHint({ hint, ...rest }: SharedProps) {
  return hint === undefined ? rest : { ...rest, hint };
}

interface TextFieldProps {
  readonly shared: SharedProps;
  readonly field: FormField & { readonly kind: "text" };
  readonly now: unknown;
  readonly onSet: (next: unknown) => void;
}

/** One line; several where much may be written; a choice where it is a time zone. */
function TextField({ shared, field, now, onSet }: TextFieldProps) {
  const set = (text: string) => onSet(text === "" && field.isNullable ? null : text);
  if (field.format === "time-zone") return <ZonePicker {...shared} value={textOf(now)} onChange={onSet} />;
  if (field.format === null && (field.maxLength ?? 0) >= LONG_TEXT) {
    return <AreaField {...shared} rows={4} value={textOf(now)} onChange={set} />;
  }
  return (
    <Field
      {...withoutHint(shared)}
      type={field.format === "password" ? "password" : "text"}
      required={field.minLength > 0}
      value={textOf(now)}
      onChange={set}
    />
  );
}

interface ListFieldProps extends SharedProps {
  readonly format: string | null;
  readonly items: readonly string[];
  readonly onChange: (items: readonly string[]) => void;
}

function ListField({ format, ...props }: ListFieldProps) {
  return format === "targets" ? <TargetChoice {...props} chosen={props.items} /> : <TextList {...props} />;
}

interface NumberFieldProps {
  readonly shared: SharedProps;
  readonly field: FormField;
  readonly now: unknown;
  readonly onSet: (next: unknown) => void;
}

/** What is typed stays as typed; what it means goes into the value. */
function NumberField({ shared, field, now, onSet }: NumberFieldProps) {
  const [typed, setTyped] = useState(textOf(now));
  return (
    <Field
      {...withoutHint(shared)}
      inputMode={field.kind === "number" && field.isWhole ? "numeric" : "decimal"}
      value={Number(typed) === now ? typed : typeof now === "number" ? String(now) : typed}
      onChange={(text) => {
        setTyped(text);
        const number = Number(text.replace(",", "."));
        onSet(
          text.trim() === "" ? (field.isNullable ? null : text) : Number.isFinite(number) ? number : text,
        );
      }}
    />
  );
}
