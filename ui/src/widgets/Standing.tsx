import type { Device } from "../api/devices";
import type { Channel } from "../api/types";
import { Icon, type IconName } from "../kit/icons";
import { momentText } from "../kit/time";
import { devicesText } from "../text/devices";
import { reasonWords } from "../text/en";
import { standingsOf, type StandingKind } from "./deviceModel";
import { useSite } from "./site";

const SIGNS: Readonly<Record<StandingKind, IconName>> = {
  recording: "bar",
  connecting: "waiting",
  lost: "alarm",
  stopped: "square",
  trouble: "diamond",
  drift: "differ",
  clock: "clock",
};

interface StandingProps {
  readonly channel: Channel;
  readonly device: Device | null;
}

/** How a camera stands, each with a shape and in words: recording, lost since, drift, clock off, trouble. */
export function Standing({ channel, device }: StandingProps) {
  const { zone } = useSite();
  const words = devicesText.standing;
  const why = reasonWords(channel.reason ?? "", channel.detail ?? "");
  const text = (kind: StandingKind): string => {
    if (kind === "lost")
      return words.lost(channel.since_us === null ? "—" : momentText(channel.since_us, zone));
    if (kind === "drift") return words.drift(device?.drift.length ?? 0);
    if (kind === "clock") return words.clock(device?.clock_offset_ms ?? 0);
    return words[kind];
  };
  return (
    <span className="standings">
      {standingsOf(channel, device).map((kind) => (
        <span key={kind} className={`standing sign-${kind}`} title={kind === channel.state ? why : undefined}>
          <Icon name={SIGNS[kind]} /> {text(kind)}
        </span>
      ))}
    </span>
  );
}
