import { useNavigate } from '@tanstack/react-router';
import { useId, useState } from 'react';
import { useEventTypes, useSendEvent } from '../../api/events';
import { useAll } from '../../api/lists';
import { fieldError } from '../../api/problem';
import { texts } from '../../texts';
import { Button, LinkButton } from '../../ui/button';
import { Dialog } from '../../ui/dialog';
import { Select } from '../../ui/field';
import { Form } from '../../ui/form';
import { jsonProblem, pretty, unlessChanged } from '../../ui/json';
import { Stack } from '../../ui/layout';
import { LoadError, Loading } from '../../ui/query-state';
import { Refusal } from '../../ui/refusal';
import { DataEditor, textOf } from './data-editor';

const words = texts.events.sendDialog;
const ROWS = 14;
const FIELDS = ['type', 'data'] as const;

/**
 * Sends an event that somebody has written, beginning with its type's sample.
 * @param first what it begins with instead
 */
export function SendDialog({
  first,
  onClose,
}: {
  first?: { type: string; dataText: string };
  onClose: () => void;
}): React.ReactNode {
  const navigate = useNavigate();
  const types = useAll(useEventTypes());
  const send = useSendEvent();
  const formId = useId();
  const [type, setType] = useState(first?.type);
  const [edited, setEdited] = useState(first && pretty(first.dataText));
  const [wrong, setWrong] = useState<string>();
  const newest = types.items[0];
  // The newest of now: one that is defined later comes before it, and would get what is written for this one.
  if (type === undefined && newest) setType(newest.type);
  const sample = types.items.find((one) => one.type === type)?.sample;
  const text = textOf(sample, edited);

  const change = (next: string | undefined): void => {
    setEdited(next);
    setWrong(undefined);
    send.reset();
  };
  const submit = (): void => {
    const problem = jsonProblem(text);
    setWrong(problem);
    if (problem !== undefined || type === undefined) return;
    send.mutate(
      { type, dataText: unlessChanged(text, edited === undefined ? sample : first?.dataText) },
      { onSuccess: ({ id }) => void navigate({ to: '/events/$eventId', params: { eventId: id } }) },
    );
  };
  const dataError = wrong ?? fieldError(send.error, 'data');
  const typeError = fieldError(send.error, 'type');
  const hasNoTypes = !types.isLoading && types.items.length === 0 && types.error === null;
  return (
    <Dialog
      isOpen
      size="wide"
      onClose={onClose}
      title={words.title}
      description={hasNoTypes ? words.noTypes : words.lead}
      actions={
        hasNoTypes ? (
          <LinkButton kind="primary" to="/event-types">
            {words.defineType}
          </LinkButton>
        ) : (
          <>
            <Button onClick={onClose}>{texts.common.cancel}</Button>
            <Button type="submit" form={formId} kind="primary" icon="send" isBusy={send.isPending}>
              {words.submit}
            </Button>
          </>
        )
      }
    >
      {types.isLoading ? (
        <Loading />
      ) : (
        <Stack>
          {types.error !== null && (
            <LoadError error={types.error} isBusy={types.isRefreshing} onRetry={types.refresh} />
          )}
          {type !== undefined && (
            <Form id={formId} onSubmit={submit}>
              <Stack>
                <Refusal error={send.error} besides={FIELDS} />
                <Select
                  label={words.type}
                  error={typeError}
                  value={type}
                  options={types.items.map((one) => ({ value: one.type, label: one.type }))}
                  onChange={(next) => {
                    setType(next);
                    change(undefined);
                  }}
                />
                <DataEditor
                  sample={sample}
                  edited={edited}
                  error={dataError}
                  rows={ROWS}
                  onChange={change}
                />
              </Stack>
            </Form>
          )}
        </Stack>
      )}
    </Dialog>
  );
}
