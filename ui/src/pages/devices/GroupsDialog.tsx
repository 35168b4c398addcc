import { useState } from "react";
import { devicesApi, type Group } from "../../api/devices";
import type { Problem, Result } from "../../api/result";
import { Button, Dialog, Field, Skeleton } from "../../kit/parts";
import { en } from "../../text/en";
import { devicesText } from "../../text/devices";
import { GroupSelect } from "../../widgets/adding/Choices";
import { below, groupPath } from "../../widgets/deviceModel";
import { ProblemBox, problemWords } from "../../widgets/ProblemBox";
import { useSite, type Asked } from "../../widgets/site";

const words = devicesText.groups;

interface GroupsDialogProps {
  readonly groups: Asked<readonly Group[]>;
  readonly onClose: () => void;
}

/** Groups: made, renamed, moved into one another, removed. */
export function GroupsDialog({ groups, onClose }: GroupsDialogProps) {
  const site = useSite();
  const [problem, setProblem] = useState<Problem | null>(null);
  const all = groups.value ?? [];
  const sorted = [...all].sort((one, other) =>
    groupPath(all, one.id).localeCompare(groupPath(all, other.id)),
  );
  const settle = (answer: Result<unknown>): boolean => {
    if (answer.ok) {
      setProblem(null);
      groups.refresh();
    } else if (answer.problem !== null) setProblem(answer.problem);
    return answer.ok;
  };
  return (
    <Dialog title={words.title} closeLabel={en.common.close} onClose={onClose} testId="groups-dialog">
      {groups.value === null && groups.problem === null && <Skeleton rows={3} label={en.common.loading} />}
      {groups.value === null && groups.problem !== null && (
        <ProblemBox problem={groups.problem} onRetry={groups.refresh} />
      )}
      {groups.value?.length === 0 && <p className="hint">{words.empty}</p>}
      {problem !== null && (
        <p className="field-error" role="alert">
          {problemWords(problem)}
        </p>
      )}
      <ul className="group-list">
        {sorted.map((group) => (
          <GroupRow
            key={`${group.id} ${group.name} ${group.parent_id ?? ""}`}
            group={group}
            groups={all}
            onSave={async (change) => settle(await devicesApi.editGroup(group.id, change))}
            onRemove={async () => {
              if (settle(await devicesApi.removeGroup(group.id))) site.say(words.removed(group.name));
            }}
          />
        ))}
      </ul>
      <NewGroup
        groups={all}
        onAdd={async (name, parent) => settle(await devicesApi.addGroup(name, parent))}
      />
    </Dialog>
  );
}

interface GroupRowProps {
  readonly group: Group;
  readonly groups: readonly Group[];
  readonly onSave: (change: { name: string; parent_id: string | null }) => Promise<boolean>;
  readonly onRemove: () => Promise<void>;
}

function GroupRow({ group, groups, onSave, onRemove }: GroupRowProps) {
  const [name, setName] = useState(group.name);
  const [parent, setParent] = useState(group.parent_id ?? "");
  const own = below(groups, group.id);
  const isSame = name.trim() === group.name && parent === (group.parent_id ?? "");
  return (
    <li data-testid="group-row">
      <form
        className="group-form"
        aria-label={group.name}
        onSubmit={(event) => {
          event.preventDefault();
          void onSave({ name: name.trim(), parent_id: parent === "" ? null : parent });
        }}
      >
        <Field label={words.name} value={name} onChange={setName} required />
        <GroupSelect
          groups={groups.filter((one) => !own.has(one.id))}
          label={words.parent}
          none={words.top}
          value={parent}
          onChange={setParent}
        />
        <Button type="submit" disabled={isSame || name.trim() === ""}>
          {words.rename}
        </Button>
        <Button kind="quiet" label={`${words.remove}: ${group.name}`} onClick={() => void onRemove()}>
          {words.remove}
        </Button>
      </form>
    </li>
  );
}

interface NewGroupProps {
  readonly groups: readonly Group[];
  readonly onAdd: (name: string, parentId: string | null) => Promise<boolean>;
}

function NewGroup({ groups, onAdd }: NewGroupProps) {
  const [name, setName] = useState("");
  const [parent, setParent] = useState("");
  return (
    <form
      className="group-form"
      aria-label={words.add}
      onSubmit={(event) => {
        event.preventDefault();
        void onAdd(name.trim(), parent === "" ? null : parent).then((isDone) => {
          if (isDone) setName("");
        });
      }}
    >
      <Field label={words.add} value={name} onChange={setName} required testId="group-name" />
      <GroupSelect
        groups={groups}
        label={words.parent}
        none={words.top}
        value={parent}
        onChange={setParent}
      />
      <Button kind="primary" type="submit" disabled={name.trim() === ""} testId="group-add">
        {words.add}
      </Button>
    </form>
  );
}
