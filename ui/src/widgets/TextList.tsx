import { useState } from "react";
import { Icon } from "../kit/icons";
import { Button, Field } from "../kit/parts";
import { settingsText } from "../text/site";

const words = settingsText.form;

interface TextListProps {
  readonly label: string;
  readonly hint?: string | undefined;
  readonly error?: string | undefined;
  readonly disabled: boolean;
  readonly testId: string;
  readonly items: readonly string[];
  readonly onChange: (items: readonly string[]) => void;
}

/** Several short texts, added and taken out one by one. */
export function TextList({ label, hint, error, disabled, testId, items, onChange }: TextListProps) {
  const [fresh, setFresh] = useState("");
  const add = () => {
    if (fresh.trim() === "") return;
    onChange([...items, fresh.trim()]);
    setFresh("");
  };
  return (
    <fieldset className="box list-field" data-testid={testId}>
      <legend>{label}</legend>
      {hint !== undefined && <p className="hint">{hint}</p>}
      {error !== undefined && (
        <p className="field-error" role="alert">
          {error}
        </p>
      )}
      {items.length === 0 && <p className="hint">{words.emptyList}</p>}
      <ul>
        {items.map((item, index) => (
          <li key={index}>
            <Field
              label={words.item(label, index + 1)}
              value={item}
              disabled={disabled}
              onChange={(text) => onChange(items.map((one, at) => (at === index ? text : one)))}
            />
            <Button
              kind="quiet"
              disabled={disabled}
              label={words.removeItem(item, label)}
              onClick={() => onChange(items.filter((_, at) => at !== index))}
            >
              <Icon name="close" />
            </Button>
          </li>
        ))}
        <li>
          <Field
            label={words.addItem(label)}
            value={fresh}
            disabled={disabled}
            onChange={setFresh}
            testId={`${testId}-new`}
          />
          <Button disabled={disabled || fresh.trim() === ""} onClick={add} label={words.addItem(label)}>
            <Icon name="plus" />
          </Button>
        </li>
      </ul>
    </fieldset>
  );
}
