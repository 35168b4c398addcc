import { useState } from "react";
import { notifyApi, type Delivery, type Target } from "../../api/alarms";
import { Icon } from "../../kit/icons";
import { Button } from "../../kit/parts";
import { momentText } from "../../kit/time";
import { targetsText as words } from "../../text/rules";
import { ProblemBox } from "../../widgets/ProblemBox";
import { useAsked, useSite } from "../../widgets/site";

const EVERY_MS = 5_000;

/** What was sent, what waits, what failed and why. */
export function Deliveries({ targets }: { readonly targets: readonly Target[] }) {
  const { zone } = useSite();
  const [before, setBefore] = useState<string | null>(null);
  const asked = useAsked((signal) => notifyApi.deliveries(before, signal), before ?? "", EVERY_MS);
  const page = asked.value;
  const { columns } = words;
  return (
    <section aria-label={words.deliveries} data-testid="deliveries">
      <h2>{words.deliveries}</h2>
      {asked.problem !== null && <ProblemBox problem={asked.problem} onRetry={asked.refresh} />}
      {page?.deliveries.length === 0 && <p className="hint">{words.noDeliveries}</p>}
      {page !== null && page.deliveries.length > 0 && (
        <div className="table-box" tabIndex={0} role="region" aria-label={words.deliveries}>
          <table>
            <thead>
              <tr>
                {[columns.at, columns.target, columns.subject, columns.state].map((one) => (
                  <th key={one} scope="col">
                    {one}
                  </th>
                ))}
                <th scope="col" className="number">
                  {columns.attempts}
                </th>
                <th scope="col">{columns.why}</th>
              </tr>
            </thead>
            <tbody>
              {page.deliveries.map((one) => (
                <tr key={one.id} data-testid="delivery" data-state={one.state}>
                  <td className="mono moment">{momentText(one.at_us, zone)}</td>
                  <td>{targets.find((target) => target.id === one.target_id)?.name ?? words.gone}</td>
                  <td>{one.subject}</td>
                  <td>
                    <State delivery={one} />
                  </td>
                  <td className="number">{one.attempts}</td>
                  <td>
                    {one.why}{" "}
                    {one.state === "waiting" &&
                      one.next_us !== null &&
                      words.nextTry(momentText(one.next_us, zone))}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {page?.next != null && <Button onClick={() => setBefore(page.next)}>{words.older}</Button>}
    </section>
  );
}

function State({ delivery }: { readonly delivery: Delivery }) {
  const sign = delivery.state === "sent" ? "check" : delivery.state === "failed" ? "alarm" : "waiting";
  const tone = delivery.state === "sent" ? "is-good" : delivery.state === "failed" ? "is-bad" : "";
  return (
    <span className={`verdict ${tone}`}>
      <Icon name={sign} /> {words.states[delivery.state] ?? delivery.state}
    </span>
  );
}
