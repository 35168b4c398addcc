interface ChoiceSetProps {
  readonly label: string;
  readonly hint?: string | undefined;
  readonly error?: string | undefined;
  readonly disabled?: boolean;
  readonly choices: readonly string[];
  readonly chosen: readonly string[];
  readonly words: (choice: string) => string;
  readonly onChange: (chosen: readonly string[]) => void;
  readonly testId?: string;
}

/** Some of several, each with a box to tick; what was chosen and is offered no more stays until it is unticked. */
export function ChoiceSet(props: ChoiceSetProps) {
  const { choices, chosen, words, onChange } = props;
  const all = [...choices, ...chosen.filter((one) => !choices.includes(one))];
  return (
    <fieldset className="checks choice-set" data-testid={props.testId}>
      <legend>{props.label}</legend>
      {props.hint !== undefined && <p className="hint">{props.hint}</p>}
      {props.error !== undefined && (
        <p className="field-error" role="alert">
          {props.error}
        </p>
      )}
      <div className="choice-row">
        {all.map((one) => (
          <label key={one} className="check">
            <input
              type="checkbox"
              checked={chosen.includes(one)}
              disabled={props.disabled}
              data-testid={props.testId === undefined ? undefined : `${props.testId}-${one}`}
              onChange={(event) =>
                onChange(event.target.checked ? [...chosen, one] : chosen.filter((other) => other !== one))
              }
            />
            <span>{words(one)}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
