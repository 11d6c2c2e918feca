import { useId, useState } from 'react';
import { OPERATIONAL_TYPES } from '../../../../src/contracts/operational';
import { isSubscribed } from '../../../../src/domain/subscription';
import { useEventTypes } from '../../api/events';
import { useAll } from '../../api/lists';
import { useLiveDeliveries } from '../../api/live';
import { fieldError, fieldErrors } from '../../api/problem';
import { useSendTest } from '../../api/webhooks';
import type { ListedEventType, Webhook } from '../../api/types';
import { useAccess } from '../../app/access';
import { texts } from '../../texts';
import { Button } from '../../ui/button';
import { Dialog } from '../../ui/dialog';
import { Checkbox, FieldError, SearchField, Select } from '../../ui/field';
import { Form } from '../../ui/form';
import { jsonProblem } from '../../ui/json';
import { Stack } from '../../ui/layout';
import { LoadError, Loading } from '../../ui/query-state';
import { Refusal } from '../../ui/refusal';
import { DataEditor } from '../events/data-editor';
import { TestAnswer } from './test-answer';
import styles from './webhooks.module.css';

const words = texts.webhooks.testDialog;
/** As many as the API sends at once. */
const MAX_TYPES = 100;
const ROWS = 16;
const FIELDS = ['events', 'data'] as const;

type Texts = ReadonlyMap<string, string>;
/** Posthorn's own types have no description; the API sends their samples. */
type Choice = Pick<ListedEventType, 'type'> & Partial<ListedEventType>;

/** Choose types, edit their samples, send them, and watch what the endpoint answers. */
export function TestDialog({
  webhook,
  onClose,
}: {
  webhook: Webhook;
  onClose: () => void;
}): React.ReactNode {
  const { canPublish } = useAccess();
  const types = useAll(useEventTypes());
  const send = useSendTest(webhook.id);
  const formId = useId();
  const isTold = useLiveDeliveries(send.data !== undefined);
  const own = OPERATIONAL_TYPES.filter((type) => webhook.events.includes(type));
  const choices: readonly Choice[] = [...types.items, ...own.map((type) => ({ type }))];
  // One that it is subscribed to; Posthorn's own, if it is subscribed to no other.
  const first =
    types.items.find(({ type }) => isSubscribed(webhook.events, type))?.type ??
    (types.isWhole ? own[0] : undefined);
  const [chosen, setChosen] = useState<ReadonlySet<string> | null>(null);
  const [edited, setEdited] = useState<Texts>(new Map());
  const [shown, setShown] = useState<string>();
  const [wrong, setWrong] = useState<Texts>(new Map());
  const [error, setError] = useState<string>();
  // Until somebody chooses. It stays when others are defined, with what is written for it.
  if (first !== undefined && chosen === null) setChosen(new Set([first]));
  const known = new Set(choices.map(({ type }) => type));
  // One that was deleted meanwhile would be refused, and nothing is left by which to unchoose it.
  const selected = new Set([...(chosen ?? [])].filter((type) => known.has(type) || !types.isWhole));
  const selectedTypes = types.items.filter(({ type }) => selected.has(type));
  const sample = selectedTypes.find(({ type }) => type === shown) ?? selectedTypes[0];

  const forgetErrors = (): void => {
    setError(undefined);
    setWrong(new Map());
    send.reset();
  };
  const toggle = (type: string, isChecked: boolean): void => {
    const next = new Set(selected);
    if (isChecked) next.add(type);
    else next.delete(type);
    setChosen(next);
    if (isChecked) setShown(type);
    forgetErrors();
  };
  const edit = (type: string, text: string | undefined): void => {
    const next = new Map(edited);
    if (text === undefined) next.delete(type);
    else next.set(type, text);
    setEdited(next);
    forgetErrors();
  };
  const submit = (): void => {
    if (selected.size === 0) setError(words.choose);
    else if (selected.size > MAX_TYPES) setError(words.limit(MAX_TYPES));
    else {
      const data = new Map([...edited].filter(([type]) => selected.has(type)));
      const problems = problemsIn(data);
      setWrong(problems);
      const [firstWrong] = problems.keys();
      if (firstWrong !== undefined) setShown(firstWrong);
      else {
        send.mutate(
          { events: [...selected], data },
          {
            onError: (failure) => setShown([...refusedData(failure, data.keys()).keys()][0]),
          },
        );
      }
    }
  };
  const title = words.title(webhook.name);
  if (send.data) {
    return (
      <Dialog
        isOpen
        size="wide"
        onClose={onClose}
        title={title}
        actions={
          <>
            <Button onClick={() => send.reset()}>{words.again}</Button>
            <Button kind="primary" onClick={onClose}>
              {texts.common.close}
            </Button>
          </>
        }
      >
        <Stack>
          {send.data.deliveries.map(({ id, eventType }) => (
            <TestAnswer key={id} id={id} eventType={eventType} isTold={isTold} />
          ))}
        </Stack>
      </Dialog>
    );
  }
  return (
    <Dialog
      isOpen
      size="wide"
      onClose={onClose}
      title={title}
      description={words.lead}
      actions={
        <>
          <Button onClick={onClose}>{texts.common.cancel}</Button>
          <Button type="submit" form={formId} kind="primary" icon="send" isBusy={send.isPending}>
            {words.send(selected.size)}
          </Button>
        </>
      }
    >
      {types.isLoading ? (
        <Loading />
      ) : (
        <Form id={formId} onSubmit={submit}>
          <Stack>
            {types.error !== null && (
              <LoadError error={types.error} isBusy={types.isRefreshing} onRetry={types.refresh} />
            )}
            <Refusal error={send.error} besides={FIELDS} />
            <div className={styles.chooser}>
              <TypeChooser
                choices={choices}
                selected={selected}
                edited={edited}
                error={error ?? fieldError(send.error, 'events')}
                onToggle={toggle}
              />
              {canPublish && sample && (
                <Stack isTight>
                  {selectedTypes.length > 1 && (
                    <Select
                      label={words.dataOf}
                      value={sample.type}
                      options={selectedTypes.map(({ type }) => ({ value: type, label: type }))}
                      onChange={setShown}
                    />
                  )}
                  <DataEditor
                    label={words.data(sample.type)}
                    sample={sample.sample}
                    edited={edited.get(sample.type)}
                    error={
                      wrong.get(sample.type) ??
                      refusedData(send.error, edited.keys()).get(sample.type)
                    }
                    rows={ROWS}
                    onChange={(text) => edit(sample.type, text)}
                  />
                </Stack>
              )}
            </div>
          </Stack>
        </Form>
      )}
    </Dialog>
  );
}

/** By type: what the API says of its data. */
function refusedData(error: unknown, types: Iterable<string>): Texts {
  const fields = new Map([...types].map((type) => [`data.${type}`, type]));
  const found = fieldErrors(error, [...fields.keys()]);
  return new Map([...found].map(([field, message]) => [fields.get(field)!, message]));
}

/** By type: what is wrong with the JSON that is written there. */
const problemsIn = (data: Texts): Texts =>
  new Map(
    [...data].flatMap(([type, text]) => {
      const problem = jsonProblem(text);
      return problem === undefined ? [] : [[type, problem] as const];
    }),
  );

function TypeChooser({
  choices,
  selected,
  edited,
  error,
  onToggle,
}: {
  choices: readonly Choice[];
  selected: ReadonlySet<string>;
  edited: Texts;
  error: string | undefined;
  onToggle: (type: string, isChecked: boolean) => void;
}): React.ReactNode {
  const [query, setQuery] = useState('');
  const shown = choices.filter(({ type }) => type.includes(query.trim().toLowerCase()));
  return (
    <Stack isTight>
      <SearchField label={texts.webhooks.form.searchEvents} value={query} onChange={setQuery} />
      <fieldset className={styles.types}>
        <legend className="visually-hidden">{words.types}</legend>
        {shown.map(({ type, description }) => (
          <Checkbox
            key={type}
            label={type}
            help={edited.has(type) ? words.edited : description}
            isChecked={selected.has(type)}
            onChange={(isChecked) => onToggle(type, isChecked)}
          />
        ))}
      </fieldset>
      <FieldError error={error} />
    </Stack>
  );
}
