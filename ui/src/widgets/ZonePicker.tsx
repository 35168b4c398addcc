import { useState } from "react";
import { serverClock } from "../api/client";
import { SelectField } from "../kit/forms";
import { Button, Field } from "../kit/parts";
import { momentText, zoneName } from "../kit/time";
import { settingsText } from "../text/site";

const words = settingsText.zone;

function zones(): readonly string[] {
  const known = Intl.supportedValuesOf("timeZone");
  return known.includes("UTC") ? known : ["UTC", ...known];
}

interface ZonePickerProps {
  readonly label: string;
  readonly hint?: string | undefined;
  readonly error?: string | undefined;
  readonly value: string;
  readonly disabled?: boolean;
  readonly onChange: (zone: string) => void;
}

/** A time zone by search: type a part of a city, choose with the arrows. */
export function ZonePicker({ label, hint, error, value, disabled = false, onChange }: ZonePickerProps) {
  const [all] = useState(zones);
  const [search, setSearch] = useState("");
  const needle = search.trim().toLowerCase().replaceAll(" ", "_");
  const found = all.filter((one) => one.toLowerCase().includes(needle));
  const browserZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const shown = found.includes(value) || search !== "" ? found : [value, ...found];
  const nowUs = serverClock.nowUs();
  return (
    <div className="zones" role="group" aria-label={label}>
      <Field
        label={`${label}: ${words.search}`}
        type="search"
        value={search}
        onChange={(next) => {
          setSearch(next);
          const wanted = next.trim().toLowerCase().replaceAll(" ", "_");
          const left = all.filter((one) => one.toLowerCase().includes(wanted));
          if (left.length === 1 && left[0] !== undefined) onChange(left[0]);
        }}
        disabled={disabled}
        testId="zone-search"
      />
      {shown.length === 0 ? (
        <p className="hint" role="status">
          {words.nothing(search)}
        </p>
      ) : (
        <SelectField
          label={words.list}
          hint={hint}
          error={error}
          rows={6}
          value={value}
          disabled={disabled}
          options={shown.map((one) => ({ value: one, words: one.replaceAll("_", " ") }))}
          onChange={onChange}
          testId="zone"
        />
      )}
      <p role="status">
        <strong>{words.chosen(value.replaceAll("_", " "))}</strong>{" "}
        <span className="hint">{words.now(`${momentText(nowUs, value)} ${zoneName(value, nowUs)}`)}</span>
      </p>
      {browserZone !== value && (
        <div className="group">
          <Button disabled={disabled} onClick={() => onChange(browserZone)} testId="zone-browser">
            {words.browser(browserZone)}
          </Button>
        </div>
      )}
    </div>
  );
}
