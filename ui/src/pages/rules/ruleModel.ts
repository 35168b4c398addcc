/** A rule as a sentence, and a fresh one. Pure. */

import type { Offer, RuleDraft } from "../../api/alarms";
import type { Group } from "../../api/people";
import type { Channel } from "../../api/types";
import { rulesText } from "../../text/rules";
import { kindWords, sortWords } from "../../text/seeing";
import { profileWords } from "../../widgets/WeekHours";

export const FRESH_RULE: RuleDraft = {
  name: "",
  is_on: true,
  when: { kinds: ["zone.entered"], classes: [], zones: [], sources: [] },
  at: { channels: [], groups: [], everywhere: true },
  during: null,
  conditions: { min_score: 0, min_lasting_s: 0, direction: "" },
  actions: [],
  rest_s: 60,
};

export interface Known {
  readonly channels: readonly Channel[];
  readonly groups: readonly Group[];
  readonly offers: readonly Offer[];
}

const parts = rulesText.sentenceParts;

function conditionWords({ conditions }: RuleDraft): string {
  const { min_score: score, min_lasting_s: lastingS, direction } = conditions;
  const found = [
    direction === "" ? "" : parts.direction(rulesText.directions[direction] ?? direction),
    score > 0 ? parts.score(Math.round(score * 100)) : "",
    lastingS > 0 ? parts.lasting(lastingS) : "",
  ].filter((one) => one !== "");
  return found.length === 0 ? "" : parts.condition(found.join(parts.and));
}

function placeWords({ at }: RuleDraft, { channels, groups }: Known): string {
  if (at.everywhere) return parts.everywhere;
  const names = [
    ...at.groups.map((id) => groups.find((one) => one.id === id)?.name ?? "?"),
    ...at.channels.map((id) => channels.find((one) => one.id === id)?.name ?? "?"),
  ];
  return names.length === 0 ? parts.nowhere : parts.at(names.join(parts.or));
}

/** "When: enters a zone (person), on any camera, every day 20:00–06:00. Then: raise an alarm." */
export function sentenceOf(rule: RuleDraft, known: Known): string {
  const { when } = rule;
  const kinds = when.kinds.map((kind) => kindWords(kind).toLowerCase());
  const acts = rule.actions.map(
    (one) => known.offers.find((offer) => offer.name === one.name)?.title ?? one.name,
  );
  return rulesText.sentence({
    what: kinds.length === 0 ? rulesText.kindsAny : kinds.join(parts.or),
    who: when.classes.length === 0 ? "" : parts.who(when.classes.map(sortWords).join(", ").toLowerCase()),
    zones: when.zones.length === 0 ? "" : parts.zones(when.zones.map((one) => `“${one}”`).join(parts.or)),
    at: placeWords(rule, known),
    during: rule.during === null ? "" : parts.during(profileWords(rule.during)),
    condition: conditionWords(rule),
    act: acts.length === 0 ? parts.nothing : acts.join(parts.and).toLowerCase(),
  });
}

export type RuleFault = "name" | "at" | "actions";

export function faultsOfRule(rule: RuleDraft): readonly RuleFault[] {
  const { at } = rule;
  const isNowhere = !at.everywhere && at.channels.length === 0 && at.groups.length === 0;
  return [
    ...(rule.name.trim() === "" ? (["name"] as const) : []),
    ...(isNowhere ? (["at"] as const) : []),
    ...(rule.actions.length === 0 ? (["actions"] as const) : []),
  ];
}

export function draftOfRule(rule: RuleDraft): RuleDraft {
  const { name, is_on, when, at, during, conditions, actions, rest_s } = rule;
  return { name, is_on, when, at, during, conditions, actions, rest_s };
}
