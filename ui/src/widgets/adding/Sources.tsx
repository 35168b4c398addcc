import { useEffect, useRef, useState } from "react";
import { devicesApi, type Discovered, type FoundDevice, type ImportRow } from "../../api/devices";
import type { Problem } from "../../api/result";
import { AreaField, CheckField, SelectField } from "../../kit/forms";
import { Button, Field, StateBox } from "../../kit/parts";
import { addingText as words } from "../../text/devices";
import { ProblemBox } from "../ProblemBox";
import { foundName, rowOf, rowOfFound, rowOfImport, type Row } from "./rows";

const LISTEN_S = 3;

interface SourceProps {
  readonly onRows: (rows: readonly Row[], csv?: string) => void;
}

/** Where the network is asked: tick, one name and password for all, test. */
export function DiscoverSource({ onRows }: SourceProps) {
  const [found, setFound] = useState<Discovered | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const ask = async () => {
    setBusy(true);
    setProblem(null);
    const answer = await devicesApi.discover(LISTEN_S);
    setBusy(false);
    if (answer.ok) {
      setFound({ ...answer.value, devices: [...answer.value.devices].sort(byFoundName) });
      setChosen(new Set(answer.value.devices.filter(isNew).map(keyOf)));
    } else setProblem(answer.problem);
  };
  const take = () => {
    const some = found?.devices.filter((one) => chosen.has(keyOf(one))) ?? [];
    onRows(some.map((one) => rowOfFound(one, username, password)));
  };
  return (
    <form
      className="source"
      onSubmit={(event) => {
        event.preventDefault();
        if (chosen.size > 0) take();
        else void ask();
      }}
    >
      <div className="group">
        <Button
          kind={found === null ? "primary" : "plain"}
          disabled={isBusy}
          onClick={() => void ask()}
          testId="discover"
        >
          {isBusy ? words.discovering : found === null ? words.discover : words.discoverAgain}
        </Button>
        <span role="status" className="hint" data-testid="discover-words">
          {found !== null && found.devices.length > 0 && words.found(found.devices.length, found.took_ms)}
        </span>
      </div>
      {problem !== null && <ProblemBox problem={problem} onRetry={() => void ask()} />}
      {found?.devices.length === 0 && (
        <StateBox title={words.foundNone} sign="search">
          <p>{words.foundNoneHint}</p>
        </StateBox>
      )}
      {found !== null && found.devices.length > 0 && (
        <>
          <FoundTable found={found.devices} chosen={chosen} onChoose={setChosen} />
          <fieldset className="box">
            <legend>{words.credentials}</legend>
            <p className="hint">{words.credentialsHint}</p>
            <div className="two">
              <Field label={words.username} value={username} onChange={setUsername} testId="all-username" />
              <Field
                label={words.password}
                type="password"
                autoComplete="new-password"
                value={password}
                onChange={setPassword}
                testId="all-password"
              />
            </div>
          </fieldset>
          <div className="group">
            <Button kind="primary" type="submit" disabled={chosen.size === 0} testId="test-selected">
              {words.testSelected(chosen.size)}
            </Button>
          </div>
        </>
      )}
    </form>
  );
}

/** As people count: camera 2 before camera 10. */
function byFoundName(a: FoundDevice, b: FoundDevice): number {
  return foundName(a).localeCompare(foundName(b), undefined, { numeric: true });
}

function isNew(found: FoundDevice): boolean {
  return found.known_device_id === null;
}

function keyOf(found: FoundDevice): string {
  return `${found.endpoint} ${found.addresses[0] ?? ""}`;
}

interface FoundTableProps {
  readonly found: readonly FoundDevice[];
  readonly chosen: ReadonlySet<string>;
  readonly onChoose: (chosen: ReadonlySet<string>) => void;
}

function FoundTable({ found, chosen, onChoose }: FoundTableProps) {
  const fresh = found.filter(isNew).map(keyOf);
  const isAll = fresh.length > 0 && fresh.every((key) => chosen.has(key));
  return (
    <div className="table-box" tabIndex={0} role="region" aria-label={words.way.discover}>
      <table data-testid="found">
        <thead>
          <tr>
            <th scope="col" className="tick">
              <CheckField
                label={words.selectAll}
                isBare
                checked={isAll}
                disabled={fresh.length === 0}
                onChange={(on) => onChoose(new Set(on ? fresh : []))}
                testId="found-all"
              />
            </th>
            <th scope="col">{words.columns.name}</th>
            <th scope="col">{words.columns.maker}</th>
            <th scope="col">{words.columns.address}</th>
          </tr>
        </thead>
        <tbody>
          {found.map((one) => (
            <tr key={keyOf(one)} data-testid="found-row" data-known={one.known_device_id !== null}>
              <td className="tick">
                <CheckField
                  label={words.select(foundName(one))}
                  isBare
                  checked={chosen.has(keyOf(one))}
                  onChange={(on) => {
                    const next = new Set(chosen);
                    if (on) next.add(keyOf(one));
                    else next.delete(keyOf(one));
                    onChoose(next);
                  }}
                />
              </td>
              <td>
                {foundName(one)} {!isNew(one) && <span className="tag">{words.known}</span>}
              </td>
              <td>{[one.maker, one.hardware].filter((part) => part !== "").join(" ")}</td>
              <td className="mono">{one.addresses[0]}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** One camera by its address: type, Enter. */
export function AddressSource({ onRows }: SourceProps) {
  const [address, setAddress] = useState("");
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [transport, setTransport] = useState<Row["transport"]>("auto");
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => form.current?.querySelector("input")?.focus(), []);
  const test = () => {
    onRows([rowOf(address, { username, password, transport })]);
    setAddress("");
  };
  return (
    <form
      className="source"
      ref={form}
      onSubmit={(event) => {
        event.preventDefault();
        test();
      }}
    >
      <Field
        label={words.address}
        hint={words.addressHint}
        value={address}
        onChange={setAddress}
        required
        testId="camera-address"
      />
      <div className="three">
        <Field
          label={`${words.username} (${words.optional})`}
          value={username}
          onChange={setUsername}
          testId="camera-username"
        />
        <Field
          label={`${words.password} (${words.optional})`}
          type="password"
          autoComplete="new-password"
          value={password}
          onChange={setPassword}
          testId="camera-password"
        />
        <SelectField
          label={words.transport}
          value={transport}
          options={(["auto", "tcp", "udp"] as const).map((one) => ({
            value: one,
            words: words.transports[one],
          }))}
          onChange={(value) => setTransport(value as Row["transport"])}
        />
      </div>
      <div className="group">
        <Button kind="primary" type="submit" disabled={address.trim() === ""} testId="camera-test">
          {words.test}
        </Button>
      </div>
    </form>
  );
}

/** Many cameras from a table: pasted, read by the server, line by line. */
export function CsvSource({ onRows }: SourceProps) {
  const [csv, setCsv] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const [faults, setFaults] = useState<readonly ImportRow[]>([]);
  const [isBusy, setBusy] = useState(false);
  const read = async () => {
    setBusy(true);
    setProblem(null);
    const answer = await devicesApi.readCsv(csv);
    setBusy(false);
    if (!answer.ok) {
      setProblem(answer.problem);
      return;
    }
    setFaults(answer.value.rows.filter((row) => row.problem !== null));
    onRows(
      answer.value.rows.map(rowOfImport).filter((row) => row !== null),
      csv,
    );
  };
  return (
    <form
      className="source"
      onSubmit={(event) => {
        event.preventDefault();
        void read();
      }}
    >
      <AreaField label={words.csv} hint={words.csvHint} value={csv} onChange={setCsv} testId="csv" />
      {problem !== null && <ProblemBox problem={problem} />}
      {faults.length > 0 && (
        <div role="alert" data-testid="csv-faults">
          <ul className="faults">
            {faults.map((row) => (
              <li key={row.line} className="field-error">
                {words.csvProblem(row.line, row.problem ?? "")}
              </li>
            ))}
          </ul>
        </div>
      )}
      <div className="group">
        <Button kind="primary" type="submit" disabled={isBusy || csv.trim() === ""} testId="csv-read">
          {words.csvRead}
        </Button>
      </div>
    </form>
  );
}
