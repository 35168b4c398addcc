import { useEffect, useState } from "react";
import { client } from "../api/client";
import { preciseText } from "../kit/time";
import { en } from "../text/en";
import type { PlaybackGroup } from "./player/playbackGroup";

interface ThumbnailProps {
  readonly group: PlaybackGroup;
  /** Of the tile whose look shows it. */
  readonly tileKey: string;
  readonly atUs: number;
  readonly zone: string;
}

const SETTLE_MS = 120;

/** The recorded picture nearest before a moment, small, by the playback look that is open anyway. */
export function Thumbnail({ group, tileKey, atUs, zone }: ThumbnailProps) {
  const [shown, setShown] = useState<{ readonly address: string; readonly atUs: number } | null>(null);
  useEffect(() => {
    // A pointer that sweeps over the timeline asks for nothing until it slows down.
    const timer = setTimeout(() => {
      const lookId = group.lookAt(tileKey, atUs);
      setShown(lookId === null ? null : { address: client.thumbnailAddress(lookId, atUs), atUs });
    }, SETTLE_MS);
    return () => clearTimeout(timer);
  }, [group, tileKey, atUs]);
  if (shown === null) return null;
  return (
    <img
      className="event-picture"
      src={shown.address}
      alt={en.timeline.thumbnail(preciseText(shown.atUs, zone))}
      onError={() => setShown(null)}
      data-testid="thumbnail"
    />
  );
}
