import { seeing } from "../api/seeing";
import { Icon } from "../kit/icons";
import { alarmingText as words } from "../text/alarming";
import { useAsked } from "../widgets/site";

const EVERY_MS = 30_000;

/** Under every page: which detector looks. */
export function SeeingLine() {
  const asked = useAsked((signal) => seeing.detector(signal), "detector", EVERY_MS);
  const told = asked.problem === null ? asked.value : null;
  if (asked.value === null && asked.problem === null) return <footer className="foot" />;
  return (
    <footer className="foot" data-testid="seeing-line">
      <Icon name="eye" />{" "}
      <span title={told?.words}>
        {told === null ? words.seeingUnknown : words.seeing(told.detector, told.words)}
      </span>
    </footer>
  );
}
