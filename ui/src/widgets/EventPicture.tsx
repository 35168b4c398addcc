import { useEffect, useState } from "react";
import { seeing } from "../api/seeing";
import { eventsText as words } from "../text/seeing";
import type { PlaybackGroup } from "./player/playbackGroup";

interface EventPictureProps {
  readonly group: PlaybackGroup;
  /** Of the tile whose look shows it. */
  readonly tileKey: string;
  readonly eventId: string;
  readonly atUs: number;
  readonly alt: string;
}

/** An event's best picture, by the playback look that is open anyway. Make it anew (by `key`) for another event. */
export function EventPicture({ group, tileKey, eventId, atUs, alt }: EventPictureProps) {
  const [lookId, setLookId] = useState<string | null>(null);
  const [isMissing, setMissing] = useState(false);
  useEffect(
    () =>
      group.listen(() => {
        const found = group.lookAt(tileKey, atUs);
        // A look that was put in another's place: the picture that is there stays.
        if (found !== null) setLookId((old) => old ?? found);
      }),
    [group, tileKey, atUs],
  );
  if (isMissing) return <p className="hint">{words.noPicture}</p>;
  if (lookId === null) return <div className="event-picture is-waiting" aria-hidden="true" />;
  return (
    <img
      className="event-picture"
      src={seeing.pictureAddress(lookId, eventId)}
      alt={alt}
      onError={() => setMissing(true)}
      data-testid="event-picture"
    />
  );
}
