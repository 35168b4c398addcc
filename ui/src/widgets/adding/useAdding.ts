/** The list of cameras on their way in, and the calls that move them on. */

import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { devicesApi, troubleOf, type Trouble } from "../../api/devices";
import type { Problem } from "../../api/result";
import { problemWords } from "../ProblemBox";
import {
  draftOf,
  isReady,
  NO_SHARED,
  pool,
  reachOf,
  rowOf,
  tally,
  withChange,
  withImported,
  withTried,
  withTrouble,
  type Row,
  type Shared,
  type Tally,
} from "./rows";

const TESTS_AT_ONCE = 4;
const LINES_A_CALL = 2;

function troubleFrom(problem: Problem): Trouble {
  return (
    troubleOf(problem) ?? { code: problem.kind, words: problemWords(problem), advice: "", fingerprint: null }
  );
}

export interface Adding {
  readonly rows: readonly Row[];
  readonly shared: Shared;
  readonly tally: Tally;
  readonly setShared: (shared: Shared) => void;
  /** Put rows in and test those that can be tested. */
  readonly take: (rows: readonly Row[], csv?: string) => void;
  readonly change: (key: string, change: Partial<Row>) => void;
  readonly leaveOut: (key: string) => void;
  readonly test: (keys: readonly string[], change?: Partial<Row>) => void;
  readonly addInput: (row: Row, input: number) => void;
  readonly addReady: () => void;
  readonly clear: () => void;
}

/** `onAdded` is told how many were added since the last press, each time one more is. */
export function useAdding(onAdded: (count: number) => void): Adding {
  const [rows, setRows] = useState<readonly Row[]>([]);
  const [shared, setShared] = useState<Shared>(NO_SHARED);
  const csv = useRef("");
  const added = useRef(0);
  const latest = useRef(rows);
  useEffect(() => {
    latest.current = rows;
  }, [rows]);
  const put = useCallback((key: string, step: (row: Row) => Row) => {
    setRows((old) => old.map((row) => (row.key === key ? step(row) : row)));
  }, []);

  const testRow = useCallback(
    async (row: Row) => {
      put(row.key, (old) => ({ ...old, state: "testing", trouble: null }));
      const answer = await devicesApi.tryOut(reachOf(row), row.input);
      put(row.key, (old) => {
        // The row was changed meanwhile: this answer is about something else.
        if (old.state !== "testing") return old;
        if (answer.ok) return withTried(old, answer.value);
        return answer.aborted ? old : withTrouble(old, troubleFrom(answer.problem));
      });
    },
    [put],
  );
  const testAll = useCallback((some: readonly Row[]) => void pool(some, TESTS_AT_ONCE, testRow), [testRow]);
  const take = useCallback(
    (fresh: readonly Row[], text?: string) => {
      if (text !== undefined) csv.current = text;
      setRows((old) => [...old, ...fresh]);
      testAll(fresh.filter((row) => row.state === "waiting"));
    },
    [testAll],
  );
  const test = useCallback(
    (keys: readonly string[], change: Partial<Row> = {}) => {
      const some = latest.current
        .filter((row) => keys.includes(row.key))
        .map((row) => withChange(row, change))
        // The table's own rows are tested as they are added; their passwords are not in this browser.
        .map((row) => (row.csvLine === null ? row : { ...row, state: "listed" as const, trouble: null }));
      const byKey = new Map(some.map((row) => [row.key, row]));
      setRows((old) => old.map((row) => byKey.get(row.key) ?? row));
      testAll(some.filter((row) => row.csvLine === null));
    },
    [testAll],
  );

  const addRow = useCallback(
    async (row: Row) => {
      put(row.key, (old) => ({ ...old, state: "adding" }));
      const answer = await devicesApi.add(reachOf(row), [draftOf(row, shared)]);
      if (answer.ok) {
        const channelId = answer.value.channels[0]?.id ?? null;
        put(row.key, (old) => ({ ...old, state: "added", channelId, trouble: null, password: "" }));
        added.current += 1;
        onAdded(added.current);
      } else if (answer.problem !== null) {
        const { problem } = answer;
        put(row.key, (old) => withTrouble(old, troubleFrom(problem)));
      }
    },
    [put, shared, onAdded],
  );
  const importRows = useCallback(
    async (some: readonly Row[]) => {
      const lines = some.flatMap((row) => (row.csvLine === null ? [] : [row.csvLine]));
      for (const row of some) put(row.key, (old) => ({ ...old, state: "adding" }));
      const answer = await devicesApi.importLines(csv.current, lines);
      for (const row of some) {
        put(row.key, (old) => {
          if (!answer.ok) return answer.aborted ? old : withTrouble(old, troubleFrom(answer.problem));
          const one = answer.value.find((found) => found.line === row.csvLine);
          return one === undefined ? old : withImported(old, one);
        });
      }
      const fresh = answer.ok ? answer.value.filter((one) => one.channel_id !== null).length : 0;
      if (fresh > 0) {
        added.current += fresh;
        onAdded(added.current);
      }
    },
    [put, onAdded],
  );
  const addReady = useCallback(() => {
    added.current = 0;
    const ready = latest.current.filter(isReady);
    const own = ready.filter((row) => row.csvLine === null);
    const lines = ready.filter((row) => row.csvLine !== null);
    const pairs = Array.from({ length: Math.ceil(lines.length / LINES_A_CALL) }, (_, index) =>
      lines.slice(index * LINES_A_CALL, (index + 1) * LINES_A_CALL),
    );
    void pool(own, TESTS_AT_ONCE, addRow);
    void pool(pairs, 1, importRows);
  }, [addRow, importRows]);

  return useMemo(
    () => ({
      rows,
      shared,
      tally: tally(rows),
      setShared,
      take,
      change: (key: string, change: Partial<Row>) => put(key, (row) => withChange(row, change)),
      leaveOut: (key: string) => setRows((old) => old.filter((row) => row.key !== key)),
      test,
      addInput: (row: Row, input: number) => {
        const { address, driver, username, password, transport, tlsFingerprint } = row;
        take([
          rowOf(address, { driver, username, password, transport, tlsFingerprint, input, label: row.label }),
        ]);
      },
      addReady,
      clear: () => setRows([]),
    }),
    [rows, shared, take, test, put, addReady],
  );
}
