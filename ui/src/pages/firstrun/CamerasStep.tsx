import { useEffect, useRef, useState } from "react";
import { siteApi, type TownCamera } from "../../api/site";
import type { Problem } from "../../api/result";
import { Icon, type IconName } from "../../kit/icons";
import { Button } from "../../kit/parts";
import { Progress } from "../../kit/forms";
import { addingText } from "../../text/devices";
import { firstRunText } from "../../text/firstrun";
import { AddFlow, AddingList, type Way } from "../../widgets/adding/AddFlow";
import { rowOf } from "../../widgets/adding/rows";
import { useAdding } from "../../widgets/adding/useAdding";
import { ProblemBox } from "../../widgets/ProblemBox";
import { useSite } from "../../widgets/site";

const words = firstRunText.cameras;
const TOWN_EVERY_MS = 1_500;

type Chosen = Way | "town" | null;

/** Three ways to the first pictures: ask the network, type an address, or a simulated town. */
export function CamerasStep({ onNext }: { readonly onNext: () => void }) {
  const [chosen, setChosen] = useState<Chosen>(null);
  const cards: readonly (readonly [Exclude<Chosen, null>, IconName, string, string])[] = [
    ["discover", "search", words.discover, words.discoverWhy],
    ["address", "camera", words.address, words.addressWhy],
    ["town", "live", words.town, words.townWhy],
  ];
  if (chosen === null) {
    return (
      <>
        <h1 tabIndex={-1}>{words.title}</h1>
        <p>{words.why}</p>
        <div className="cards">
          {cards.map(([name, sign, title, why]) => (
            <button
              key={name}
              type="button"
              className="card"
              onClick={() => setChosen(name)}
              data-testid={`start-${name}`}
            >
              <span className="card-sign">
                <Icon name={sign} />
              </span>
              <strong>{title}</strong>
              <span className="hint">{why}</span>
            </button>
          ))}
        </div>
      </>
    );
  }
  return (
    <>
      <div className="toolbar">
        <h1 tabIndex={-1}>{words.title}</h1>
        <Button kind="quiet" onClick={() => setChosen(null)} testId="other-way">
          {words.other}
        </Button>
      </div>
      {chosen === "town" ? (
        <TownFlow onDone={onNext} />
      ) : (
        <AddFlow way={chosen} onWay={setChosen} onDone={onNext} />
      )}
    </>
  );
}

/** Starts the town, waits until it answers, then adds its cameras the ordinary way. */
function TownFlow({ onDone }: { readonly onDone: () => void }) {
  const site = useSite();
  const [problem, setProblem] = useState<Problem | null>(null);
  const [cameras, setCameras] = useState<readonly TownCamera[] | null>(null);
  const [attempt, setAttempt] = useState(0);
  const { refresh } = site.channels;
  const adding = useAdding((count) => {
    site.say(addingText.added(count));
    refresh();
  });
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async (isFirst: boolean) => {
      const answer = isFirst ? await siteApi.startTown() : await siteApi.town(abort.signal);
      if (abort.signal.aborted) return;
      if (!answer.ok) {
        setProblem(answer.problem);
        return;
      }
      if (answer.value.state === "running" && answer.value.cameras.length > 0) {
        setCameras(answer.value.cameras);
      } else timer = setTimeout(() => void look(false), TOWN_EVERY_MS);
    };
    void look(true);
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [attempt]);
  const taken = useRef(false);
  const { take } = adding;
  useEffect(() => {
    if (cameras === null || taken.current) return;
    taken.current = true;
    take(
      cameras.map((one) =>
        rowOf(one.onvif_address ?? one.address, { label: one.name, name: one.name, isNameTyped: true }),
      ),
    );
  }, [cameras, take]);
  if (problem !== null) {
    return (
      <ProblemBox
        problem={problem}
        onRetry={() => {
          setProblem(null);
          setAttempt((old) => old + 1);
        }}
      />
    );
  }
  if (cameras === null) {
    return <Progress done={null} all={1} words={words.townStarting} />;
  }
  return (
    <div className="adding">
      <AddingList adding={adding} onDone={onDone} />
    </div>
  );
}
