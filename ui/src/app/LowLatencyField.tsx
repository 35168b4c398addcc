import { useSyncExternalStore } from "react";
import { en } from "../text/en";
import { isLowLatency, onLowLatency, setLowLatency } from "../widgets/liveChoice";

/** Whether live pictures come over WebRTC, where that works; kept in this browser. */
export function LowLatencyField() {
  const isOn = useSyncExternalStore(onLowLatency, isLowLatency);
  return (
    <label className="inline-field" title={en.live.lowLatencyHint}>
      <span>{en.live.lowLatency}</span>
      <input
        type="checkbox"
        checked={isOn}
        onChange={(event) => setLowLatency(event.target.checked)}
        data-testid="low-latency"
      />
    </label>
  );
}
