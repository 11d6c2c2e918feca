import { useState } from 'react';
import { useDelivery } from '../../api/deliveries';
import { useEventTypes } from '../../api/events';
import { explainInLine, fieldError } from '../../api/problem';
import { useSendTest } from '../../api/webhooks';
import type { Webhook } from '../../api/types';
import { texts } from '../../texts';
import { StatusBadge } from '../../ui/badge';
import { Button, LinkButton } from '../../ui/button';
import { CodeBlock } from '../../ui/copy';
import { Dialog } from '../../ui/dialog';
import { Checkbox, FieldError, SearchField } from '../../ui/field';
import { Row, Stack } from '../../ui/layout';
import { Loading } from '../../ui/query-state';
import { formatDuration } from '../../ui/time';
import styles from './webhooks.module.css';

const words = texts.webhooks.testDialog;
const MAX_TYPES = 20;

/** Choose types, send their samples, and watch what the endpoint answers. */
export function TestDialog({
  webhook,
  onClose,
}: {
  webhook: Webhook;
  onClose: () => void;
}): React.ReactNode {
  const types = useEventTypes();
  const send = useSendTest(webhook.id);
  const first = types.items.find(({ type }) => isWanted(webhook, type)) ?? types.items[0];
  const [chosen, setChosen] = useState<ReadonlySet<string> | null>(null);
  const [query, setQuery] = useState('');
  const [error, setError] = useState<string>();
  // One that it is subscribed to, until somebody chooses.
  const selected = chosen ?? new Set(first ? [first.type] : []);
  const shown = types.items.filter(({ type }) => type.includes(query.trim().toLowerCase()));
  const sample = types.items.findLast(({ type }) => selected.has(type));

  const submit = (): void => {
    if (selected.size === 0) setError(words.choose);
    else if (selected.size > MAX_TYPES) setError(words.limit);
    else {
      send.mutate(
        { events: [...selected] },
        {
          onError: (failure) => setError(fieldError(failure, 'events') ?? explainInLine(failure)),
        },
      );
    }
  };
  if (send.data) {
    return (
      <Dialog
        isOpen
        size="wide"
        onClose={onClose}
        title={words.title(webhook.name)}
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
            <Answer key={id} id={id} eventType={eventType} />
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
      title={words.title(webhook.name)}
      description={words.lead}
      actions={
        <>
          <Button onClick={onClose}>{texts.common.cancel}</Button>
          <Button kind="primary" icon="send" isBusy={send.isPending} onClick={submit}>
            {words.send(selected.size)}
          </Button>
        </>
      }
    >
      {types.isLoading ? (
        <Loading />
      ) : (
        <div className={styles.chooser}>
          <Stack isTight>
            <SearchField
              label={texts.webhooks.form.searchEvents}
              value={query}
              onChange={setQuery}
            />
            <fieldset className={styles.types}>
              <legend className="visually-hidden">{words.types}</legend>
              {shown.map(({ type, description }) => (
                <Checkbox
                  key={type}
                  label={type}
                  help={description}
                  isChecked={selected.has(type)}
                  onChange={(isChecked) => {
                    const next = new Set(selected);
                    if (isChecked) next.add(type);
                    else next.delete(type);
                    setChosen(next);
                    setError(undefined);
                  }}
                />
              ))}
            </fieldset>
            <FieldError error={error} />
          </Stack>
          {sample && (
            <CodeBlock
              label={`${words.sample}: ${sample.type}`}
              code={JSON.stringify(sample.sample, null, 2)}
              isWrapped
            />
          )}
        </div>
      )}
    </Dialog>
  );
}

const isWanted = ({ events }: Webhook, type: string): boolean =>
  events.some(
    (pattern) =>
      pattern === '*' ||
      pattern === type ||
      (pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1))),
  );

/** One delivery, from its way to the answer. */
function Answer({ id, eventType }: { id: string; eventType: string }): React.ReactNode {
  const { data } = useDelivery(id);
  const attempt = data?.attempts.at(-1);
  return (
    <div className={styles.answer}>
      <Row>
        <StatusBadge status={data?.status ?? 'pending'} />
        <code>{eventType}</code>
        <span className={styles.grow} role="status">
          {attempt === undefined
            ? words.waiting
            : attempt.statusCode === undefined
              ? words.noAnswer(attempt.errorCode ?? '', formatDuration(attempt.durationMs))
              : words.answered(attempt.statusCode, formatDuration(attempt.durationMs))}
        </span>
        <LinkButton size="small" to="/deliveries/$deliveryId" params={{ deliveryId: id }}>
          {words.open}
        </LinkButton>
      </Row>
      {attempt?.statusCode !== undefined &&
        (attempt.responseBody ? (
          <CodeBlock label={words.answer(eventType)} code={attempt.responseBody} isWrapped />
        ) : (
          <p className={styles.muted}>{words.emptyBody}</p>
        ))}
      {attempt?.errorMessage !== undefined && (
        <p className={styles.muted}>
          <bdi>{attempt.errorMessage}</bdi>
        </p>
      )}
    </div>
  );
}
