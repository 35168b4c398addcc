import { en } from "../text/en";
import { PURPOSE_FIELD } from "../widgets/PurposeNeeded";
import { useSite } from "../widgets/site";

/** Why the person looks: part of every look, and of the audit. */
export function PurposeField() {
  const { session, purpose, setPurpose } = useSite();
  const chosen = session.purposes.find((one) => one.id === purpose);
  return (
    <label
      className={purpose === null ? "inline-field is-wanted" : "inline-field"}
      title={en.shell.purposeHint}
    >
      <span>{en.shell.purpose}</span>
      <select
        id={PURPOSE_FIELD}
        data-testid="purpose"
        value={purpose ?? ""}
        title={chosen?.legal_basis ?? en.shell.purposeHint}
        onChange={(event) => setPurpose(event.target.value === "" ? null : event.target.value)}
      >
        <option value="">{en.shell.purposeNone}</option>
        {session.purposes.map((one) => (
          <option key={one.id} value={one.id}>
            {one.title}
          </option>
        ))}
      </select>
    </label>
  );
}
