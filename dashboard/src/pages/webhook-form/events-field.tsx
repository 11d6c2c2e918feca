import { useState } from 'react';
import { isOperational, OPERATIONAL_TYPES } from '../../../../src/contracts/operational';
import { isKnownPattern } from '../../../../src/domain/subscription';
import { useAvailableEvents } from '../../api/webhooks';
import { texts } from '../../texts';
import { Checkbox, FieldError, Radio, SearchField } from '../../ui/field';
import { Card, Stack } from '../../ui/layout';
import { QueryState } from '../../ui/query-state';
import type { FieldsProps } from './draft';
import styles from './form.module.css';

const words = texts.webhooks.form;

/** `email.opened` is of the family `email`; a type without a dot is of none. */
const familyOf = (type: string): string => (type.includes('.') ? type.split('.', 1)[0]! : '');

/** All events, or families and single types. */
export function EventsField({ draft, onChange, errorOf }: FieldsProps): React.ReactNode {
  const available = useAvailableEvents();
  const { events } = draft;
  // Stay listed when they are no longer chosen.
  const [initial] = useState(events);
  const isAll = events.has('*');
  const operational = [...events].filter((type) => isOperational(type));
  const set = (next: Iterable<string>): void => onChange({ events: new Set(next) });
  const toggle = (pattern: string, isChecked: boolean): void =>
    set(
      isChecked
        ? [...[...events].filter((type) => !isWithin(type, pattern)), pattern]
        : [...events].filter((type) => type !== pattern),
    );
  return (
    <Card title={words.events} lead={words.eventsLead}>
      <Stack>
        <fieldset>
          <legend className="visually-hidden">{words.events}</legend>
          <Stack isTight>
            <Radio
              name="events"
              label={words.all}
              help={words.allHelp}
              isChecked={isAll}
              onChange={() => set(['*', ...operational])}
            />
            <Radio
              name="events"
              label={words.chosen}
              isChecked={!isAll}
              onChange={() => set([...events].filter((type) => type !== '*'))}
            />
          </Stack>
        </fieldset>
        {!isAll && (
          <QueryState query={available}>
            {(data) => (
              <Stack>
                <Families types={data.events} initial={initial} chosen={events} onToggle={toggle} />
                <Removed types={data.events} initial={initial} chosen={events} onToggle={toggle} />
              </Stack>
            )}
          </QueryState>
        )}
        <FieldError error={errorOf('events')} />
        <details open={operational.length > 0}>
          <summary>{words.operational}</summary>
          <div className={styles.family}>
            <p className={styles.muted}>{words.operationalHelp}</p>
            <Patterns patterns={OPERATIONAL_TYPES} chosen={events} onToggle={toggle} />
          </div>
        </details>
      </Stack>
    </Card>
  );
}

/** Whether the family stands for the type; Posthorn's own are in none. */
const isWithin = (type: string, pattern: string): boolean =>
  pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1)) && !isOperational(type);

/** What is subscribed to, and matches no event type any more. */
function Removed({
  types,
  initial,
  chosen,
  onToggle,
}: {
  types: readonly string[];
  initial: ReadonlySet<string>;
  chosen: ReadonlySet<string>;
  onToggle: (pattern: string, isChecked: boolean) => void;
}): React.ReactNode {
  const known = [...types, ...OPERATIONAL_TYPES];
  // What was subscribed to elsewhere meanwhile is among the chosen ones alone.
  const all = new Set([...initial, ...chosen]);
  const removed = [...all].filter((pattern) => !isKnownPattern(pattern, known));
  if (removed.length === 0) return null;
  return (
    <fieldset className={styles.family}>
      <legend>{words.removed}</legend>
      <p className={styles.muted}>{words.removedHelp}</p>
      <Patterns patterns={removed} chosen={chosen} onToggle={onToggle} />
    </fieldset>
  );
}

function Patterns({
  patterns,
  chosen,
  onToggle,
}: {
  patterns: readonly string[];
  chosen: ReadonlySet<string>;
  onToggle: (pattern: string, isChecked: boolean) => void;
}): React.ReactNode {
  return patterns.map((pattern) => (
    <Checkbox
      key={pattern}
      label={pattern}
      isChecked={chosen.has(pattern)}
      onChange={(isChecked) => onToggle(pattern, isChecked)}
    />
  ));
}

function Families({
  types,
  initial,
  chosen,
  onToggle,
}: {
  types: readonly string[];
  initial: ReadonlySet<string>;
  chosen: ReadonlySet<string>;
  onToggle: (pattern: string, isChecked: boolean) => void;
}): React.ReactNode {
  const [query, setQuery] = useState('');
  const wanted = query.trim().toLowerCase();
  const shown = new Map<string, string[]>();
  for (const type of types.filter((one) => one.includes(wanted))) {
    const family = familyOf(type);
    shown.set(family, [...(shown.get(family) ?? []), type]);
  }
  // Families within a family, such as `order.line.*`: offered only where the API was given them.
  const nested = [...new Set([...initial, ...chosen])].filter(
    (pattern) => pattern.endsWith('.*') && pattern !== `${familyOf(pattern)}.*`,
  );
  /** Whether a chosen family stands for it. */
  const isCovered = (one: string): boolean =>
    [...chosen].some((pattern) => pattern !== one && isWithin(one, pattern));
  const isOn = (one: string): boolean => chosen.has(one) || isCovered(one);
  return (
    <Stack>
      <SearchField label={words.searchEvents} value={query} onChange={setQuery} />
      {shown.size === 0 && <p className={styles.muted}>{words.noTypes}</p>}
      <div className={styles.families}>
        {[...shown].map(([family, members]) => {
          const pattern = `${family}.*`;
          const isWhole = chosen.has(pattern);
          const inner = nested.filter((one) => members.some((type) => isWithin(type, one)));
          return (
            <fieldset key={family} className={styles.family}>
              <legend className="visually-hidden">{family}</legend>
              {family !== '' && (
                <Checkbox
                  label={words.family(family)}
                  help={words.familyHelp}
                  isChecked={isWhole}
                  isMixed={!isWhole && members.some(isOn)}
                  onChange={(isChecked) => onToggle(pattern, isChecked)}
                />
              )}
              <div className={styles.types}>
                {[...inner, ...members].map((one) => (
                  <Checkbox
                    key={one}
                    label={one.endsWith('.*') ? words.family(one.slice(0, -2)) : one}
                    isChecked={isOn(one)}
                    isDisabled={isCovered(one)}
                    onChange={(isChecked) => onToggle(one, isChecked)}
                  />
                ))}
              </div>
            </fieldset>
          );
        })}
      </div>
    </Stack>
  );
}
