/** Choices that several forms share: a purpose, a group of the tree. */

import type { DevicePurpose, Group } from "../../api/devices";
import { SelectField } from "../../kit/forms";
import { addingText as words } from "../../text/devices";
import { groupPath } from "../deviceModel";

interface PurposeSelectProps {
  readonly purposes: readonly DevicePurpose[];
  readonly value: string;
  readonly onChange: (id: string) => void;
  readonly testId?: string;
}

export function PurposeSelect({ purposes, value, onChange, testId }: PurposeSelectProps) {
  return (
    <SelectField
      label={words.purpose}
      value={value}
      options={[
        { value: "", words: words.purposeNone },
        ...purposes.map((one) => ({ value: one.id, words: one.title })),
      ]}
      onChange={onChange}
      {...(testId === undefined ? {} : { testId })}
    />
  );
}

interface GroupSelectProps {
  readonly groups: readonly Group[];
  readonly value: string;
  readonly onChange: (id: string) => void;
  readonly label?: string;
  readonly none?: string;
  readonly testId?: string;
}

export function GroupSelect({ groups, value, onChange, label, none, testId }: GroupSelectProps) {
  const options = groups
    .map((one) => ({ value: one.id, words: groupPath(groups, one.id) }))
    .sort((one, other) => one.words.localeCompare(other.words));
  return (
    <SelectField
      label={label ?? words.group}
      value={value}
      options={[{ value: "", words: none ?? words.groupNone }, ...options]}
      onChange={onChange}
      {...(testId === undefined ? {} : { testId })}
    />
  );
}
