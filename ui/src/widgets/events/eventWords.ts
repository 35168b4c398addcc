import type { SeenEvent } from "../../api/seeing";
import { lengthText } from "../../kit/time";
import { directionWords, eventsText, kindWords, sortWords } from "../../text/seeing";

/** An event in one line: what, who, where, which way. */
export function eventWords(event: SeenEvent): string {
  const where = event.zone === "" ? "" : `“${event.zone}”`;
  return [kindWords(event.kind), sortWords(event.object_class), where, directionWords(event.direction)]
    .filter((one) => one !== "")
    .join(", ");
}

/** How sure, how long: what one reads second. */
export function eventDetails(event: SeenEvent): string {
  const length =
    event.ended_us === null
      ? event.lasts
        ? eventsText.stillLasts
        : ""
      : event.ended_us > event.began_us
        ? eventsText.lasting(lengthText(event.ended_us - event.began_us))
        : "";
  return [
    event.score !== null && event.score > 0 ? eventsText.score(Math.round(event.score * 100)) : "",
    length,
  ]
    .filter((one) => one !== "")
    .join(" · ");
}
