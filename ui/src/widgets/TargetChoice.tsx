import { notifyApi } from "../api/alarms";
import { go } from "../kit/address";
import { Link } from "../kit/parts";
import { en } from "../text/en";
import { targetsText as words } from "../text/rules";
import { ChoiceSet } from "./ChoiceSet";
import { problemWords } from "./ProblemBox";
import { useAsked } from "./site";

interface TargetChoiceProps {
  readonly label: string;
  readonly hint: string | undefined;
  readonly error: string | undefined;
  readonly disabled: boolean;
  readonly testId: string;
  readonly chosen: readonly string[];
  readonly onChange: (chosen: readonly string[]) => void;
}

/** Targets by their names; where there are none, the way to make one. */
export function TargetChoice({ chosen, ...props }: TargetChoiceProps) {
  const asked = useAsked((signal) => notifyApi.targets(signal), "targets", null);
  const known = asked.value ?? [];
  return (
    <>
      <ChoiceSet
        {...props}
        choices={known.map((one) => one.id)}
        chosen={chosen}
        words={(id) => known.find((one) => one.id === id)?.name ?? words.gone}
      />
      {asked.value?.length === 0 && (
        <p className="hint">
          {words.empty}.{" "}
          <Link to="/settings/targets" go={go}>
            {words.add}
          </Link>
        </p>
      )}
      {asked.problem !== null && (
        <p className="field-warning">
          {asked.problem.kind === "denied" ? en.problem.denied("system.manage") : problemWords(asked.problem)}
        </p>
      )}
    </>
  );
}
