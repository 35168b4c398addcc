import { useState } from "react";
import { client } from "../../api/client";
import type { Problem } from "../../api/result";
import type { CameraAddress, Probed } from "../../api/types";
import { Button, Dialog, Field } from "../../kit/parts";
import { en } from "../../text/en";
import { problemWords } from "../../widgets/ProblemBox";

interface AddCameraProps {
  readonly onClose: () => void;
  readonly onAdded: (name: string) => void;
}

type TransportName = "auto" | "tcp" | "udp";

/** Address → Test (a picture is the proof) → name → Add. */
export function AddCamera({ onClose, onAdded }: AddCameraProps) {
  const [address, setAddress] = useState("");
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [transport, setTransport] = useState<TransportName>("auto");
  const [audio, setAudio] = useState(false);
  const [name, setName] = useState("");
  const [probed, setProbed] = useState<Probed | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);

  const wish: CameraAddress = {
    address: address.trim(),
    transport,
    ...(username === "" ? {} : { username }),
    ...(password === "" ? {} : { password }),
  };
  const changed = (set: (value: string) => void) => (value: string) => {
    set(value);
    setProbed(null);
    setProblem(null);
  };
  const test = async () => {
    setBusy(true);
    setProblem(null);
    setProbed(null);
    const answer = await client.probe(wish);
    setBusy(false);
    if (answer.ok) setProbed(answer.value);
    else setProblem(answer.problem);
  };
  const add = async () => {
    setBusy(true);
    setProblem(null);
    const answer = await client.addCamera({ ...wish, name: name.trim(), audio });
    setBusy(false);
    if (answer.ok) onAdded(answer.value.name);
    else setProblem(answer.problem);
  };
  const words = en.cameras;
  return (
    <Dialog title={words.dialogTitle} closeLabel={en.common.close} onClose={onClose} testId="add-dialog">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void (probed === null ? test() : add());
        }}
      >
        <Field
          label={words.address}
          hint={words.addressHint}
          value={address}
          onChange={changed(setAddress)}
          required
          testId="camera-address"
        />
        <div className="two">
          <Field
            label={`${words.username} (${words.optional})`}
            value={username}
            onChange={changed(setUsername)}
            testId="camera-username"
          />
          <Field
            label={`${words.password} (${words.optional})`}
            type="password"
            autoComplete="new-password"
            value={password}
            onChange={changed(setPassword)}
            testId="camera-password"
          />
        </div>
        <label className="inline-field">
          <span>{words.transport}</span>
          <select
            value={transport}
            onChange={(event) => changed((v) => setTransport(v as TransportName))(event.target.value)}
          >
            {(["auto", "tcp", "udp"] as const).map((one) => (
              <option key={one} value={one}>
                {words.transports[one]}
              </option>
            ))}
          </select>
        </label>
        <div className="dialog-foot">
          <Button
            kind={probed === null ? "primary" : "plain"}
            disabled={isBusy || address.trim() === ""}
            onClick={() => void test()}
            testId="camera-test"
          >
            {isBusy && probed === null ? words.testing : words.test}
          </Button>
        </div>
        {problem !== null && (
          <p className="field-error" role="alert" data-testid="camera-problem">
            {problemWords(problem)}
          </p>
        )}
        {probed !== null && <ProbedBox probed={probed} />}
        {probed !== null && (
          <>
            <Field label={words.nameLabel} value={name} onChange={setName} required testId="camera-name" />
            <label className="check">
              <input type="checkbox" checked={audio} onChange={(event) => setAudio(event.target.checked)} />
              <span>
                {words.audio} <span className="hint">{words.audioHint}</span>
              </span>
            </label>
            <div className="dialog-foot">
              <Button onClick={onClose}>{en.common.cancel}</Button>
              <Button
                kind="primary"
                type="submit"
                disabled={isBusy || name.trim() === ""}
                testId="camera-add"
              >
                {words.addButton}
              </Button>
            </div>
          </>
        )}
      </form>
    </Dialog>
  );
}

function ProbedBox({ probed }: { readonly probed: Probed }) {
  const words = en.cameras;
  const tracks = probed.tracks.map((track) => {
    const size = track.width_px && track.height_px ? ` ${track.width_px}×${track.height_px}` : "";
    return `${track.codec.toUpperCase()}${size}`;
  });
  return (
    <div className="probed" data-testid="probed">
      <p role="status">
        {words.tested(probed.took_ms)} {tracks.join(", ")}
      </p>
      {probed.sends_password_in_clear === true && <p className="field-warning">◆ {words.clearPassword}</p>}
      {probed.picture_jpeg_base64 === null ? (
        <p>{words.noPicture}</p>
      ) : (
        <img
          alt={words.picture}
          src={`data:image/jpeg;base64,${probed.picture_jpeg_base64}`}
          data-testid="probe-picture"
        />
      )}
    </div>
  );
}
