import { useEffect } from "react";
import { watchText } from "../../text/seeing";
import { useLive } from "../useLive";
import type { Size } from "./geometry";

interface GroundProps {
  readonly channelId: string;
  readonly purpose: string;
  readonly onSize: (size: Size) => void;
}

/** The live picture, or the last one, under a drawing. Make it anew (by `key`) for another channel or purpose. */
export function Ground({ channelId, purpose, onSize }: GroundProps) {
  const { frame, video, canvas, age, snapshot } = useLive(channelId, purpose);
  const { isCanvasShown, state } = snapshot;
  useEffect(() => {
    const shown = video.current;
    if (shown === null) return undefined;
    const tell = () => {
      if (shown.videoWidth > 0) onSize({ width: shown.videoWidth, height: shown.videoHeight });
    };
    tell();
    shown.addEventListener("resize", tell);
    return () => shown.removeEventListener("resize", tell);
  }, [video, onSize]);
  return (
    <div
      ref={frame}
      className={isCanvasShown ? "zone-ground is-canvas" : "zone-ground"}
      data-testid="zone-ground"
      data-state={state}
    >
      <video ref={video} muted playsInline disablePictureInPicture tabIndex={-1} />
      <canvas ref={canvas} aria-hidden="true" />
      {state !== "live" && state !== "connecting" && (
        <span className="zone-still" role="status">
          {watchText.editor.still}
        </span>
      )}
      <span className="tile-age" ref={age} />
    </div>
  );
}
