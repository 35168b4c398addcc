import { lazy, Suspense, useCallback, useEffect, useState } from "react";
import { client } from "../api/client";
import type { Problem } from "../api/result";
import type { Session, SetupState } from "../api/types";
import { Skeleton } from "../kit/parts";
import { en } from "../text/en";
import { SetupPage, SignInPage } from "../pages/entry/EntryPage";
import { JoinPage } from "../pages/entry/JoinPage";
import { ProblemBox } from "../widgets/ProblemBox";
import { Shell } from "./Shell";

const InstallPage = lazy(async () => ({
  default: (await import("../pages/install/InstallPage")).InstallPage,
}));

type Stage =
  | { readonly kind: "asking" }
  | { readonly kind: "problem"; readonly problem: Problem }
  | { readonly kind: "out"; readonly setup: SetupState; readonly isEnded: boolean }
  | { readonly kind: "in"; readonly session: Session };

async function findStage(isEnded: boolean): Promise<Stage> {
  const session = await client.session();
  if (session.ok) return { kind: "in", session: session.value };
  if (session.problem !== null && session.problem.kind !== "unauthenticated") {
    return { kind: "problem", problem: session.problem };
  }
  const setup = await client.setup();
  if (setup.ok) return { kind: "out", setup: setup.value, isEnded };
  if (setup.problem !== null) return { kind: "problem", problem: setup.problem };
  return { kind: "asking" };
}

/** The page that installs the authority is open to anyone; all others begin with a session. */
export function App() {
  if (location.pathname === "/install") {
    return (
      <Suspense fallback={<Skeleton rows={6} label={en.common.loading} />}>
        <InstallPage />
      </Suspense>
    );
  }
  return <Entrance />;
}

/** Set-up, sign-in or the shell, as the server says. */
function Entrance() {
  const [stage, setStage] = useState<Stage>({ kind: "asking" });
  const ask = useCallback((isEnded: boolean) => {
    void findStage(isEnded).then(setStage);
  }, []);
  const onSignedOut = useCallback(() => ask(true), [ask]);
  useEffect(() => {
    client.onSignedOut = onSignedOut;
    ask(false);
  }, [ask, onSignedOut]);
  useEffect(() => {
    if (stage.kind !== "problem") return undefined;
    const timer = setTimeout(() => ask(false), 3_000);
    return () => clearTimeout(timer);
  }, [stage, ask]);

  switch (stage.kind) {
    case "asking":
      return <Skeleton rows={3} label={en.common.loading} />;
    case "problem":
      return (
        <main className="entry">
          <h1>{en.product}</h1>
          <ProblemBox problem={stage.problem} onRetry={() => ask(false)} />
        </main>
      );
    case "out": {
      const siteName = stage.setup.site_name;
      if (location.pathname === "/join" && !stage.setup.needed) {
        return <JoinPage siteName={siteName} onDone={() => location.assign("/")} />;
      }
      return stage.setup.needed ? (
        <SetupPage siteName={siteName} onDone={() => ask(false)} />
      ) : (
        <SignInPage siteName={siteName} isEnded={stage.isEnded} onDone={() => ask(false)} />
      );
    }
    case "in":
      return (
        <Shell
          key={stage.session.principal.id}
          session={stage.session}
          onSignedOut={onSignedOut}
          onReload={() => ask(false)}
          onSignOut={() => void client.signOut().then(() => ask(false))}
        />
      );
  }
}
