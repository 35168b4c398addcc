/** One WebSocket of one live look: messages in, pings out, the server's clock measured on the way. */

import { serverClock } from "./client";
import { readLiveMessage, type LiveMessage } from "./liveMessages";

export interface LiveSocketEvents {
  onMessage(message: LiveMessage): void;
  /** Called once; `gotMessages` is false when the server never spoke (a look that is no more). */
  onClosed(code: number, gotMessages: boolean): void;
}

export interface LiveSocket {
  close(): void;
}

const PING_EVERY_MS = 5_000;
const SILENT_MS = 20_000;

export function openLiveSocket(lookId: string, events: LiveSocketEvents): LiveSocket {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(`${scheme}//${location.host}/api/v1/looks/${encodeURIComponent(lookId)}/live`);
  socket.binaryType = "arraybuffer";
  const sentMs = new Map<number, number>();
  let serial = 0;
  let gotMessages = false;
  let closed = false;
  let heardMs = performance.now();

  const ping = () => {
    if (performance.now() - heardMs > SILENT_MS) {
      finish(1006);
      return;
    }
    if (socket.readyState !== WebSocket.OPEN) return;
    serial += 1;
    sentMs.set(serial, performance.now());
    socket.send(JSON.stringify({ ping: serial }));
  };
  const timer = setInterval(ping, PING_EVERY_MS);

  const finish = (code: number) => {
    if (closed) return;
    closed = true;
    clearInterval(timer);
    if (socket.readyState <= WebSocket.OPEN) socket.close();
    events.onClosed(code, gotMessages);
  };

  const onClock = (atUs: number, pong: number | null) => {
    const sent = pong === null ? undefined : sentMs.get(pong);
    if (sent === undefined) return;
    sentMs.clear();
    serverClock.measure(atUs, sent, performance.now());
  };

  socket.onopen = ping;
  socket.onmessage = (event: MessageEvent<unknown>) => {
    if (closed || !(event.data instanceof ArrayBuffer)) return;
    heardMs = performance.now();
    gotMessages = true;
    const message = readLiveMessage(event.data);
    if (message === null) return;
    if (message.type === "clock") onClock(message.atUs, message.pong);
    events.onMessage(message);
  };
  socket.onclose = (event) => finish(event.code);

  return {
    close() {
      if (closed) return;
      closed = true;
      clearInterval(timer);
      socket.close();
    },
  };
}
