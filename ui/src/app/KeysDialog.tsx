import { useContext, useState } from "react";
import { Dialog } from "../kit/parts";
import { ShortcutContext } from "../kit/shortcuts";
import { en } from "../text/en";
import { keepKeys } from "./shortcuts";

const SHOWN: Readonly<Record<string, string>> = {
  " ": "Space",
  ArrowLeft: "←",
  ArrowRight: "→",
  "Ctrl+ArrowLeft": "Ctrl ←",
  "Ctrl+ArrowRight": "Ctrl →",
  "Ctrl+k": "Ctrl K",
  Escape: "Esc",
  Delete: "Del",
};

/** All keys that work here and now; single keys can be switched off (WCAG 2.1.4). */
export function KeysDialog({ onClose }: { readonly onClose: () => void }) {
  const registry = useContext(ShortcutContext);
  const [isOn, setOn] = useState(registry?.isOn ?? true);
  const list = registry?.list() ?? [];
  const scopes = [...new Set(list.map((one) => one.scope))];
  return (
    <Dialog title={en.keys.title} closeLabel={en.common.close} onClose={onClose} testId="keys-dialog">
      <p className="hint">{en.keys.silent}</p>
      <label className="check">
        <input
          type="checkbox"
          checked={isOn}
          onChange={(event) => {
            setOn(event.target.checked);
            keepKeys(event.target.checked);
            registry?.switch(event.target.checked);
          }}
        />
        <span>{en.keys.on}</span>
      </label>
      {scopes.map((scope) => (
        <section key={scope}>
          <h3>{scope}</h3>
          <dl className="keys">
            {list
              .filter((one) => one.scope === scope)
              .map((one) => (
                <div key={one.key}>
                  <dt>
                    <kbd>{SHOWN[one.key] ?? one.key.toUpperCase()}</kbd>
                  </dt>
                  <dd>{one.words}</dd>
                </div>
              ))}
          </dl>
        </section>
      ))}
    </Dialog>
  );
}
