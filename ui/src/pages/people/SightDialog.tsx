import { people, type Person, type Sight } from "../../api/people";
import { Dialog, Skeleton } from "../../kit/parts";
import { en } from "../../text/en";
import { sightText as words } from "../../text/people";
import { ProblemBox } from "../../widgets/ProblemBox";
import { useAsked, useSite } from "../../widgets/site";

/** "See as": what a person may do at this moment, by camera and purpose. */
export function SightDialog({ person, onClose }: { readonly person: Person; readonly onClose: () => void }) {
  const asked = useAsked((signal) => people.sight(person.id, signal), `sight ${person.id}`, 10_000);
  return (
    <Dialog
      title={words.title(person.name)}
      closeLabel={en.common.close}
      onClose={onClose}
      testId="sight-dialog"
    >
      <p className="hint">{words.hint}</p>
      {asked.value === null && asked.problem === null && <Skeleton rows={4} label={en.common.loading} />}
      {asked.value === null && asked.problem !== null && (
        <ProblemBox problem={asked.problem} onRetry={asked.refresh} />
      )}
      {asked.value !== null && <SightWords sight={asked.value} />}
    </Dialog>
  );
}

function list(names: readonly string[]): string {
  return names.length === 0 ? words.nothing : names.join(", ");
}

function SightWords({ sight }: { readonly sight: Sight }) {
  const { session } = useSite();
  const titles = new Map(session.purposes.map((one) => [one.id, one.title]));
  const pages: Readonly<Record<string, string>> = en.pages;
  return (
    <div data-testid="sight">
      <h3>{words.pages}</h3>
      <p>{list(sight.pages.map((page) => pages[page] ?? page))}</p>
      <h3>{words.permissions}</h3>
      <p className="mono">{list(sight.permissions)}</p>
      <h3>{words.channels}</h3>
      {sight.channels.length === 0 && <p>{words.noChannels}</p>}
      {sight.channels.length > 0 && (
        <div className="table-box" tabIndex={0} role="region" aria-label={words.channels}>
          <table>
            <thead>
              <tr>
                <th scope="col">{words.channels}</th>
                <th scope="col">{words.may}</th>
                <th scope="col">{words.purposes}</th>
              </tr>
            </thead>
            <tbody>
              {sight.channels.map((channel) => (
                <tr key={channel.id}>
                  <th scope="row">{channel.name}</th>
                  <td className="mono">{list(channel.permissions)}</td>
                  <td>
                    {Object.entries(channel.functions_by_purpose).length === 0 && words.nothing}
                    <ul className="plain">
                      {Object.entries(channel.functions_by_purpose).map(([purpose, functions]) => (
                        <li key={purpose}>
                          {titles.get(purpose) ?? purpose}: {functions.join(", ")}
                        </li>
                      ))}
                    </ul>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}
