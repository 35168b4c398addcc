import { describe, expect, it } from "vitest";
import { tomorrowAtEight } from "../src/pages/alarms/parkTimes";
import { faultsOfRule, FRESH_RULE, sentenceOf } from "../src/pages/rules/ruleModel";
import { defaultsOf, fieldsOf, refusedFields, schemaWithout } from "../src/widgets/schema";
import { hoursOf, NIGHT, profileOf, profileWords } from "../src/widgets/WeekHours";

const KNOWN = { channels: [], groups: [], offers: [] };

describe("a rule", () => {
  it("reads as a sentence", () => {
    const rule = {
      ...FRESH_RULE,
      when: { ...FRESH_RULE.when, classes: ["person"], zones: ["Yard"] },
      during: profileOf(NIGHT),
      conditions: { min_score: 0.5, min_lasting_s: 10, direction: "" },
      actions: [{ name: "raise_alarm", settings: {} }],
    };
    const said = sentenceOf(rule, {
      ...KNOWN,
      offers: [
        { name: "raise_alarm", title: "Raise an alarm", settings_schema: null, state: "loaded", why: null },
      ],
    });
    expect(said).toBe(
      "When: enters a zone (person) in “Yard”, on any camera, every day 20:00–06:00, if at least 50 % sure and it lasts 10 s. Then: raise an alarm.",
    );
  });

  it("says what it lacks", () => {
    const nowhere = { channels: [], groups: [], everywhere: false };
    expect(faultsOfRule({ ...FRESH_RULE, at: nowhere })).toEqual(["name", "at", "actions"]);
    const whole = { ...FRESH_RULE, name: "One", actions: [{ name: "a", settings: {} }] };
    expect(faultsOfRule(whole)).toEqual([]);
  });
});

describe("hours of the week", () => {
  it("come back from the profile they were made into", () => {
    expect(hoursOf(profileOf(NIGHT))).toEqual(NIGHT);
    const odd = { name: "Shift", spans: [{ weekday: 0, from_minute: 60, to_minute: 120 }] };
    expect(hoursOf(odd)).toBeNull();
    expect(profileWords(odd)).toBe("Mon 01:00–02:00");
    const week = { ...NIGHT, days: [0, 1, 2, 3, 4] };
    expect(profileWords(profileOf(week))).toBe("Mon–Fri 20:00–06:00");
  });

  it("of the whole day are a span the server takes", () => {
    const [span] = profileOf({ days: [0], from: "00:00", to: "00:00" }).spans;
    expect(span).toEqual({ weekday: 0, from_minute: 0, to_minute: 1440 });
  });
});

describe("parking until tomorrow", () => {
  it("is 08:00 of the site's next day, over a change of the clocks too", () => {
    const evening = Date.UTC(2026, 9, 24, 20, 0) * 1000; // the night in which Berlin's clocks go back
    expect(new Date(tomorrowAtEight(evening, "Europe/Berlin") / 1000).toISOString()).toBe(
      "2026-10-25T07:00:00.000Z",
    );
    const late = Date.UTC(2026, 11, 31, 23, 30) * 1000; // already next year there
    expect(new Date(tomorrowAtEight(late, "Europe/Berlin") / 1000).toISOString()).toBe(
      "2027-01-02T07:00:00.000Z",
    );
  });
});

describe("forms of plug-ins", () => {
  const schema = {
    $defs: { Says: { enum: ["entered", "left"], type: "string" } },
    properties: {
      zone: { type: "array", items: { type: "array" } },
      says: { type: "array", items: { $ref: "#/$defs/Says" }, default: ["left"] },
      target_ids: { type: "array", items: { type: "string" }, format: "targets" },
      dwell_s: { type: "number", default: 2 },
    },
  };

  it("offer several of a fixed set, and ids of targets", () => {
    const kinds = fieldsOf(schemaWithout(schema, ["zone"])).map((field) => field.kind);
    expect(kinds).toEqual(["set", "list", "number"]);
    expect(fieldsOf(schema)[2]).toMatchObject({ format: "targets" });
  });

  it("begin with the schema's defaults", () => {
    expect(defaultsOf(schema)).toEqual({ zone: [], says: ["left"], target_ids: [], dwell_s: 2 });
  });

  it("find the server's words by field", () => {
    const problem = { more: { fields: { "settings.zone": "Too small.", name: "Taken." } } };
    expect(refusedFields(problem, "settings.")).toEqual({ zone: "Too small.", name: "Taken." });
    expect(refusedFields(null)).toEqual({});
  });
});
