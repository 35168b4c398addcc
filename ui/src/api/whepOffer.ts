/** One WebRTC viewer of one live look (WHEP, docs/design/api.md): offer and answer, nothing else. */

import { client } from "./client";
import type { Result } from "./result";

export interface WhepSession {
  readonly connection: RTCPeerConnection;
  readonly stream: Promise<MediaStream>;
  readonly place: string;
}

/** Offer to receive one H.264 video; no server is asked for addresses, and none of ours matters. */
export async function openWhep(lookId: string): Promise<Result<WhepSession>> {
  const connection = new RTCPeerConnection({ iceServers: [] });
  const stream = new Promise<MediaStream>((resolve) => {
    connection.ontrack = (event) => resolve(new MediaStream([event.track]));
  });
  const { receiver } = connection.addTransceiver("video", { direction: "recvonly" });
  if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
  await connection.setLocalDescription();
  const answered = await client.whep(lookId, connection.localDescription?.sdp ?? "");
  if (!answered.ok) {
    connection.close();
    return answered;
  }
  try {
    await connection.setRemoteDescription({ type: "answer", sdp: answered.value.sdp });
  } catch {
    connection.close();
    return {
      ok: false,
      aborted: false,
      problem: { kind: "internal", message: "", status: 0, retryAfterS: null },
    };
  }
  return { ok: true, value: { connection, stream, place: answered.value.place } };
}
