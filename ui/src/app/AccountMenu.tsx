import { useEffect, useRef } from "react";
import { client } from "../api/client";
import { Icon } from "../kit/icons";
import { go } from "../kit/address";
import { Button, Link } from "../kit/parts";
import { en } from "../text/en";
import { exportsText } from "../text/exports";
import { accountText } from "../text/people";
import { LowLatencyField } from "./LowLatencyField";
import { ThemeField } from "./ThemeField";

interface AccountMenuProps {
  readonly name: string;
  readonly onKeys: () => void;
  readonly onSignOut: () => void;
}

/** Who is signed in, and the quiet things: look, keys, certificate, sign out. */
export function AccountMenu({ name, onKeys, onSignOut }: AccountMenuProps) {
  const box = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const close = (event: Event) => {
      const { current } = box;
      if (current === null || !current.open) return;
      const isEscape = event instanceof KeyboardEvent && event.key === "Escape";
      const isOutside = event.type === "pointerdown" && !current.contains(event.target as Node);
      if (isEscape || isOutside) current.open = false;
      if (isEscape) current.querySelector("summary")?.focus();
    };
    document.addEventListener("pointerdown", close);
    document.addEventListener("keydown", close);
    return () => {
      document.removeEventListener("pointerdown", close);
      document.removeEventListener("keydown", close);
    };
  }, []);
  return (
    <details className="account" ref={box}>
      <summary className="button button-quiet" data-testid="account">
        <Icon name="person" />
        <span className="visually-hidden">{en.shell.signedInAs("")}</span>
        <span className="top-who" data-testid="who">
          {name}
        </span>
        <Icon name="down" />
      </summary>
      <div className="account-menu">
        <Link to="/account" go={go} className="button button-quiet" testId="my-account">
          {accountText.link}
        </Link>
        <Link to="/exports" go={go} className="button button-quiet" testId="my-exports">
          {exportsText.link}
        </Link>
        <label className="inline-field">
          <span>{en.shell.theme}</span>
          <ThemeField />
        </label>
        <LowLatencyField />
        <Button kind="quiet" onClick={onKeys} testId="keys">
          {en.shell.keys} <kbd>?</kbd>
        </Button>
        <a
          className="button button-quiet"
          href={client.authorityAddress}
          download
          title={en.signIn.authorityHint}
        >
          {en.signIn.authority}
        </a>
        <Button kind="quiet" onClick={onSignOut} testId="sign-out">
          {en.shell.signOut}
        </Button>
      </div>
    </details>
  );
}
