import { seeing } from "../api/seeing";
import { Icon } from "../kit/icons";
import { seeingText as words } from "../text/seeing";
import { useAsked } from "../widgets/site";

const EVERY_MS = 30_000;

/** Under every page: which detector looks. */
export function SeeingLine() {
  const asked = useAsked((signal) => seeing.detector(signal), "detector", EVERY_MS);
  const told = asked.problem === null ? (asked.value?.words ?? "") : "";
  if (asked.value === null && asked.problem === null) return <footer className="foot" />;
  return (
    <footer className="foot" data-testid="seeing-line">
      <Icon name="eye" /> {told === "" ? words.noLine : words.line(told)}
    </footer>
  );
}
