/** A live tile's player: over WebRTC where the person chose the least delay and it works, else over the socket. */

import { LivePlayer } from "./livePlayer";
import type { LivePlayerPorts, LiveSurface, LiveViewer } from "./livePorts";
import { WhepPlayer } from "./whepPlayer";

/** So long live over the socket, then WebRTC is tried again, if it once worked; longer each time. */
const FIRST_AGAIN_MS = 10_000;
const LAST_AGAIN_MS = 600_000;

export class EitherPlayer implements LiveViewer {
  private viewer: LiveViewer | null = null;
  private liveSinceMs: number | null = null;
  private againAfterMs = FIRST_AGAIN_MS;

  constructor(
    private readonly surface: LiveSurface,
    private readonly ports: LivePlayerPorts,
  ) {}

  start(): void {
    this.begin(new WhepPlayer(this.surface, this.ports, (hadPictures) => this.useSocket(hadPictures)));
  }

  stop(): void {
    this.viewer?.stop();
    this.viewer = null;
  }

  retry(): void {
    this.viewer?.retry();
  }

  private begin(viewer: LiveViewer): void {
    this.viewer?.stop();
    this.viewer = viewer;
    viewer.start();
  }

  private again(): void {
    this.againAfterMs = Math.min(LAST_AGAIN_MS, 2 * this.againAfterMs);
    this.start();
  }

  private useSocket(mayReturn: boolean): void {
    if (this.viewer === null) return;
    this.liveSinceMs = null;
    const ports: LivePlayerPorts = {
      ...this.ports,
      onChange: (snapshot) => {
        this.ports.onChange(snapshot);
        if (snapshot.state !== "live" || !mayReturn) this.liveSinceMs = null;
        else this.liveSinceMs ??= performance.now();
        if (this.liveSinceMs !== null && performance.now() - this.liveSinceMs > this.againAfterMs)
          this.again();
      },
    };
    this.begin(new LivePlayer(this.surface, ports));
  }
}
