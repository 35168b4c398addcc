import { useEffect, useState } from "react";
import { serverClock } from "../api/client";

/** The server's time, drawn anew every so often. */
export function useNow(everyMs: number): number {
  const [nowUs, setNowUs] = useState(() => serverClock.nowUs());
  useEffect(() => {
    const timer = setInterval(() => setNowUs(serverClock.nowUs()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return nowUs;
}
