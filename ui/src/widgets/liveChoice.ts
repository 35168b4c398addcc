/** How this browser shows live pictures: what the person chose in it, and what it can play. */

const KEPT = "civiscope.low-latency";
const CHANGED = "civiscope-low-latency";
const H265 = 'video/mp4; codecs="hvc1.1.6.L93.B0"';

export function isLowLatency(): boolean {
  return localStorage.getItem(KEPT) === "on" && typeof RTCPeerConnection !== "undefined";
}

export function setLowLatency(isOn: boolean): void {
  localStorage.setItem(KEPT, isOn ? "on" : "off");
  window.dispatchEvent(new Event(CHANGED));
}

/** For `useSyncExternalStore`: tiles begin anew with the other way. */
export function onLowLatency(changed: () => void): () => void {
  window.addEventListener(CHANGED, changed);
  return () => window.removeEventListener(CHANGED, changed);
}

export function playsH265(): boolean {
  return typeof MediaSource !== "undefined" && MediaSource.isTypeSupported(H265);
}
