import type { Made } from "../api/liveMessages";
import { en } from "../text/en";

/** How the picture came about, when it is not as the camera sent it. */
export function MadeBadge({ made }: { readonly made: Made }) {
  if (made === "as sent") return null;
  return (
    <span className="badge" data-testid="made" title={en.live.madeHint}>
      {en.live.made[made]}
    </span>
  );
}
