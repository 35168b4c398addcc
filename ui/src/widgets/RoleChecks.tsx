import { ROLES } from "../api/people";
import { peopleText, ROLE_HINTS, ROLE_WORDS } from "../text/people";

interface RoleChecksProps {
  readonly chosen: readonly string[];
  readonly onChange: (roles: readonly string[]) => void;
  readonly hint?: string;
  readonly disabled?: boolean;
}

/** One box per role, each with what it means. */
export function RoleChecks({ chosen, onChange, hint, disabled }: RoleChecksProps) {
  return (
    <fieldset className="checks" disabled={disabled}>
      <legend>{peopleText.roles}</legend>
      {ROLES.map((role) => (
        <label key={role} className="check">
          <input
            type="checkbox"
            checked={chosen.includes(role)}
            onChange={(event) =>
              onChange(event.target.checked ? [...chosen, role] : chosen.filter((one) => one !== role))
            }
            data-testid={`role-${role}`}
          />
          <span>
            {ROLE_WORDS[role]} <span className="hint">{ROLE_HINTS[role]}</span>
          </span>
        </label>
      ))}
      {hint !== undefined && <p className="hint">{hint}</p>}
    </fieldset>
  );
}
