import type { ReactNode } from "react";

/** A table that scrolls within its box. */
export function Table({
  head,
  numbers,
  children,
  label,
}: {
  readonly head: readonly string[];
  /** Columns of figures. */
  readonly numbers: readonly number[];
  readonly children: ReactNode;
  readonly label: string;
}) {
  return (
    <div className="table-box" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            {head.map((words, index) => (
              <th key={words} scope="col" className={numbers.includes(index) ? "number" : undefined}>
                {words}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
