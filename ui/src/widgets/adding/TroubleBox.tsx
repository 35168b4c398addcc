import { useEffect, useRef, useState } from "react";
import type { Trouble } from "../../api/devices";
import { Button, Field } from "../../kit/parts";
import { addingText as words } from "../../text/devices";
import { fingerprintText } from "../fingerprint";
import type { Row } from "./rows";

interface TroubleBoxProps {
  readonly row: Pick<Row, "address" | "username">;
  readonly trouble: Trouble;
  readonly onTest: (change: Partial<Row>) => void;
}

/** What failed, why, what to try, and the right action at once. */
export function TroubleBox({ row, trouble, onTest }: TroubleBoxProps) {
  return (
    <div className="trouble" data-testid="camera-problem" data-code={trouble.code}>
      <p className="field-error">{trouble.words}</p>
      {trouble.advice !== "" && <p>{trouble.advice}</p>}
      {trouble.code === "authentication" && <Credentials username={row.username} onTest={onTest} />}
      {trouble.code === "certificate" && trouble.fingerprint !== null && (
        <Pin fingerprint={trouble.fingerprint} onTest={onTest} />
      )}
      {trouble.code !== "authentication" && <Address address={row.address} onTest={onTest} />}
    </div>
  );
}

function Credentials(props: { readonly username: string; readonly onTest: TroubleBoxProps["onTest"] }) {
  const [username, setUsername] = useState(props.username);
  const [password, setPassword] = useState("");
  return (
    <form
      className="trouble-form"
      aria-label={words.enterPassword}
      onSubmit={(event) => {
        event.preventDefault();
        props.onTest({ username, password });
      }}
    >
      <Field label={words.username} value={username} onChange={setUsername} testId="row-username" />
      <Field
        label={words.password}
        type="password"
        autoComplete="new-password"
        value={password}
        onChange={setPassword}
        testId="row-password"
      />
      <Button type="submit" kind="primary" testId="row-retry">
        {words.tryAgain}
      </Button>
    </form>
  );
}

function Pin(props: { readonly fingerprint: string; readonly onTest: TroubleBoxProps["onTest"] }) {
  return (
    <div className="trouble-pin">
      <p className="mono fingerprint" data-testid="row-fingerprint">
        {fingerprintText(props.fingerprint)}
      </p>
      <p className="hint">{words.pinHint}</p>
      <Button
        kind="primary"
        onClick={() => props.onTest({ tlsFingerprint: props.fingerprint })}
        testId="row-pin"
      >
        {words.pin}
      </Button>
    </div>
  );
}

function Address(props: { readonly address: string; readonly onTest: TroubleBoxProps["onTest"] }) {
  const [isOpen, setOpen] = useState(false);
  const [address, setAddress] = useState(props.address);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (isOpen) form.current?.querySelector("input")?.focus();
  }, [isOpen]);
  if (!isOpen) {
    return (
      <div className="group">
        <Button onClick={() => props.onTest({})} testId="row-retry">
          {words.tryAgain}
        </Button>
        <Button kind="quiet" onClick={() => setOpen(true)} testId="row-other-address">
          {words.otherAddress}
        </Button>
      </div>
    );
  }
  return (
    <form
      className="trouble-form is-wide"
      ref={form}
      onSubmit={(event) => {
        event.preventDefault();
        props.onTest({ address: address.trim() });
      }}
    >
      <Field label={words.address} value={address} onChange={setAddress} required testId="row-address" />
      <Button type="submit" kind="primary">
        {words.tryAgain}
      </Button>
    </form>
  );
}
