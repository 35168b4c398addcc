/** One short sound for a new alarm; muted by choice, silenced by choosing an alarm. */

import type { Priority } from "../../api/alarms";

const KEPT = "civiscope.alarm.sound";
/** Frequencies in Hz, one after the other; higher and more of them the more urgent. */
const TONES: Readonly<Record<Priority, readonly number[]>> = {
  low: [523],
  normal: [659, 523],
  high: [784, 659, 784],
  critical: [988, 784, 988, 784],
};
const TONE_S = 0.16;
const LOUDNESS = 0.18;

export interface SoundState {
  readonly isOn: boolean;
  /** The browser lets no page sound that nobody has touched yet. */
  readonly isBlocked: boolean;
  /** How often it has sounded. */
  readonly rungCount: number;
}

export class AlarmSound {
  private state: SoundState = {
    isOn: localStorage.getItem(KEPT) !== "off",
    isBlocked: false,
    rungCount: 0,
  };
  private context: AudioContext | null = null;
  private sounding: GainNode | null = null;
  private readonly listeners = new Set<() => void>();

  readonly listen = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly snapshot = (): SoundState => this.state;

  toggle(): void {
    const isOn = !this.state.isOn;
    localStorage.setItem(KEPT, isOn ? "on" : "off");
    if (!isOn) this.silence();
    this.change({ isOn });
  }

  ring(priority: Priority): void {
    if (!this.state.isOn) return;
    this.context ??= new AudioContext();
    const { context } = this;
    if (context.state === "running") {
      this.sound(context, priority);
      return;
    }
    // A page that was touched may sound; another one says that it may not.
    this.change({ isBlocked: true });
    void context.resume().then(() => {
      this.change({ isBlocked: false });
      this.sound(context, priority);
    });
  }

  /** Stop at once: the person has seen it. */
  silence(): void {
    const { context, sounding } = this;
    this.sounding = null;
    if (context !== null && sounding !== null) {
      sounding.gain.cancelScheduledValues(context.currentTime);
      sounding.gain.setValueAtTime(0, context.currentTime);
    }
  }

  private sound(context: AudioContext, priority: Priority): void {
    this.silence();
    const gain = context.createGain();
    gain.connect(context.destination);
    gain.gain.setValueAtTime(0, context.currentTime);
    TONES[priority].forEach((frequency, index) => {
      const at = context.currentTime + index * TONE_S;
      const tone = context.createOscillator();
      tone.frequency.value = frequency;
      tone.connect(gain);
      gain.gain.setValueAtTime(0, at);
      gain.gain.linearRampToValueAtTime(LOUDNESS, at + 0.02);
      gain.gain.linearRampToValueAtTime(0, at + TONE_S - 0.01);
      tone.start(at);
      tone.stop(at + TONE_S);
    });
    this.sounding = gain;
    this.change({ rungCount: this.state.rungCount + 1 });
  }

  private change(by: Partial<SoundState>): void {
    this.state = { ...this.state, ...by };
    for (const listener of this.listeners) listener();
  }
}
