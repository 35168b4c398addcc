import type { ActionOrder, Offer } from "../../api/alarms";
import { SelectField } from "../../kit/forms";
import { Icon } from "../../kit/icons";
import { Button } from "../../kit/parts";
import { rulesText as words } from "../../text/rules";
import { defaultsOf, faultsOf, fieldsOf } from "../../widgets/schema";
import { SchemaForm } from "../../widgets/SchemaForm";

interface ActionsProps {
  readonly orders: readonly ActionOrder[];
  readonly offers: readonly Offer[];
  readonly disabled: boolean;
  readonly refused: Readonly<Record<string, string>>;
  readonly error: string | undefined;
  readonly onChange: (orders: readonly ActionOrder[]) => void;
}

/** What is done, one after the other; each action's settings are a form drawn from its schema. */
export function Actions({ orders, offers, disabled, refused, error, onChange }: ActionsProps) {
  const put = (index: number, order: ActionOrder) =>
    onChange(orders.map((one, at) => (at === index ? order : one)));
  return (
    <>
      {orders.map((order, index) => {
        const offer = offers.find((one) => one.name === order.name);
        const title = offer?.title ?? order.name;
        const below = `actions.${index}.`;
        const mine = Object.fromEntries(
          Object.entries(refused).map(([name, told]) => [
            name.startsWith(below) ? name.slice(below.length) : name,
            told,
          ]),
        );
        return (
          <fieldset key={`${order.name} ${index}`} className="box action-box" data-testid="rule-action">
            <legend>{title}</legend>
            {offer === undefined && <p className="field-error">{words.actionGone(order.name)}</p>}
            {offer !== undefined && (
              <SchemaForm
                schema={offer.settings_schema ?? {}}
                value={order.settings}
                faults={faultsOf(fieldsOf(offer.settings_schema ?? {}), order.settings)}
                refused={mine}
                disabled={disabled}
                onChange={(settings) => put(index, { ...order, settings })}
              />
            )}
            <div className="group">
              <Button
                kind="quiet"
                disabled={disabled}
                label={words.removeAction(title)}
                onClick={() => onChange(orders.filter((_, at) => at !== index))}
              >
                <Icon name="close" /> {words.takeOut}
              </Button>
            </div>
          </fieldset>
        );
      })}
      <SelectField
        label={orders.length === 0 ? words.actions : words.addAction}
        error={error}
        value=""
        disabled={disabled}
        options={[
          { value: "", words: words.choose },
          ...offers.map((one) => ({ value: one.name, words: one.title })),
        ]}
        onChange={(name) => {
          const offer = offers.find((one) => one.name === name);
          if (offer !== undefined) {
            onChange([...orders, { name, settings: defaultsOf(offer.settings_schema ?? {}) }]);
          }
        }}
        testId="rule-add-action"
      />
    </>
  );
}
