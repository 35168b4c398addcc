import { useState } from "react";
import { devicesApi, troubleOf, type Device, type Trouble } from "../../api/devices";
import { Button, Field } from "../../kit/parts";
import { en } from "../../text/en";
import { addingText, devicesText } from "../../text/devices";
import { problemWords } from "../../widgets/ProblemBox";
import { useSite } from "../../widgets/site";
import { fingerprintText } from "../../widgets/fingerprint";

const words = devicesText.credentials;

interface CredentialsProps {
  readonly device: Device;
  readonly onChanged: () => void;
}

/** Where the device is and as whom it is asked; the password is only ever written. */
export function Credentials({ device, onChanged }: CredentialsProps) {
  const site = useSite();
  const [address, setAddress] = useState(device.address);
  const [username, setUsername] = useState(device.username ?? "");
  const [password, setPassword] = useState("");
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const [isBusy, setBusy] = useState(false);
  if (!site.can("camera.edit")) return <p className="hint">{en.problem.denied("camera.edit")}</p>;
  const save = async (pinned: string | null) => {
    setBusy(true);
    setTrouble(null);
    const answer = await devicesApi.change(device.id, {
      ...(address.trim() === device.address ? {} : { address: address.trim() }),
      ...(username === (device.username ?? "") ? {} : { username }),
      ...(password === "" ? {} : { password }),
      ...(pinned === null ? {} : { tls_fingerprint: pinned }),
    });
    setBusy(false);
    if (answer.ok) {
      setPassword("");
      site.say(words.saved);
      onChanged();
    } else if (answer.problem !== null) {
      const plain = { code: "", words: problemWords(answer.problem), advice: "", fingerprint: null };
      setTrouble(troubleOf(answer.problem) ?? plain);
    }
  };
  const isSame = address.trim() === device.address && username === (device.username ?? "") && password === "";
  const fingerprint = trouble?.fingerprint ?? null;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void save(null);
      }}
    >
      <p className="hint">{words.hint}</p>
      <Field label={addingText.address} value={address} onChange={setAddress} required />
      <div className="two">
        <Field label={addingText.username} value={username} onChange={setUsername} testId="device-username" />
        <Field
          label={addingText.password}
          hint={words.passwordKept}
          type="password"
          autoComplete="new-password"
          value={password}
          onChange={setPassword}
          testId="device-password"
        />
      </div>
      {trouble !== null && (
        <div className="trouble" role="alert">
          <p className="field-error">{trouble.words}</p>
          {trouble.advice !== "" && <p>{trouble.advice}</p>}
          {fingerprint !== null && (
            <>
              <p className="mono fingerprint">{fingerprintText(fingerprint)}</p>
              <p className="hint">{addingText.pinHint}</p>
              <Button onClick={() => void save(fingerprint)}>{addingText.pin}</Button>
            </>
          )}
        </div>
      )}
      <div className="group">
        <Button type="submit" disabled={isBusy || isSame} testId="device-credentials">
          {words.save}
        </Button>
      </div>
    </form>
  );
}
