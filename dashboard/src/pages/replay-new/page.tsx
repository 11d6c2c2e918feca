import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { Only } from '../../app/only';
import { useFilters } from '../../app/filters';
import { fieldError } from '../../api/problem';
import { useDryRun, useStartReplay, type ReplayInput } from '../../api/replays';
import { texts } from '../../texts';
import { Button, LinkButton } from '../../ui/button';
import { Form } from '../../ui/form';
import { Checkbox, FieldError, TextField } from '../../ui/field';
import { Card, PageHeader, Row, Stack } from '../../ui/layout';
import { Refusal } from '../../ui/refusal';
import { TimeField } from '../../ui/time-field';
import { WebhookField } from '../../ui/webhook-field';
import { Counted } from './counted';
import { firstDraft, inputOf, STATUSES, type Draft } from './draft';
import styles from './replay-new.module.css';

const words = texts.replays.form;
const FIELDS = ['webhookId', 'statuses', 'types', 'since', 'until', 'ratePerSecond'] as const;
const FROM_ADDRESS = ['webhookId', 'statuses', 'types', 'since', 'until'] as const;

/** Count first, then start: the address can fill it in. */
export function NewReplayPage(): React.ReactNode {
  const navigate = useNavigate();
  const [given] = useFilters(FROM_ADDRESS);
  const [draft, setDraft] = useState(() => firstDraft(given));
  const [wrong, setWrong] = useState<Partial<Record<keyof ReplayInput, string>>>({});
  const dryRun = useDryRun();
  const start = useStartReplay();
  const failure = start.error ?? dryRun.error;
  const { data: found, variables: counted } = dryRun;
  const { input, problems } = inputOf(draft);
  // What was counted may be no longer what would be sent: somebody goes on writing while it is counted.
  const isCounted = found && JSON.stringify(counted) === JSON.stringify(input);
  const errorOf = (field: keyof ReplayInput): string | undefined =>
    wrong[field] ?? fieldError(failure, field);
  const change = (changes: Partial<Draft>): void => {
    setDraft({ ...draft, ...changes });
    setWrong({});
    dryRun.reset();
    start.reset();
  };
  const count = (): void => {
    setWrong(problems);
    if (input !== null) dryRun.mutate(input);
  };
  return (
    <Only may="canWrite" title={words.title}>
      <PageHeader
        title={words.title}
        lead={words.lead}
        back={{ to: '/replays', label: texts.replays.title }}
      />
      <Stack>
        <Card>
          <Form onSubmit={count}>
            <Stack>
              <div className={styles.pair}>
                <WebhookField
                  label={words.webhook}
                  any={texts.replays.allWebhooks}
                  error={errorOf('webhookId')}
                  value={draft.webhookId}
                  onChange={(webhookId) => change({ webhookId })}
                />
                <TextField
                  label={words.types}
                  help={words.typesHelp}
                  error={errorOf('types')}
                  isOptional
                  isCode
                  value={draft.types}
                  onChange={(types) => change({ types })}
                />
                <TimeField
                  label={words.since}
                  error={errorOf('since')}
                  value={draft.since}
                  onChange={(since) => change({ since })}
                />
                <TimeField
                  label={words.until}
                  error={errorOf('until')}
                  value={draft.until}
                  onChange={(until) => change({ until })}
                />
              </div>
              <fieldset>
                <legend className={styles.legend}>{words.statuses}</legend>
                <Stack isTight>
                  {STATUSES.map((status) => (
                    <Checkbox
                      key={status}
                      label={words.status[status]}
                      isChecked={draft.statuses.has(status)}
                      onChange={(isChecked) => {
                        const statuses = new Set(draft.statuses);
                        if (isChecked) statuses.add(status);
                        else statuses.delete(status);
                        change({ statuses });
                      }}
                    />
                  ))}
                  <FieldError error={errorOf('statuses')} />
                </Stack>
              </fieldset>
              <div className={styles.pair}>
                <TextField
                  label={words.rate}
                  help={words.rateHelp}
                  error={errorOf('ratePerSecond')}
                  inputMode="decimal"
                  value={draft.rate}
                  onChange={(rate) => change({ rate })}
                />
              </div>
              <Refusal error={failure} besides={FIELDS} />
              <Row>
                <Button
                  type="submit"
                  kind={isCounted ? 'secondary' : 'primary'}
                  isBusy={dryRun.isPending}
                >
                  {words.count}
                </Button>
                <LinkButton to="/replays">{texts.common.cancel}</LinkButton>
              </Row>
            </Stack>
          </Form>
        </Card>
        <div role="status">
          {isCounted && (
            <Counted
              found={found}
              ratePerSecond={counted.ratePerSecond ?? null}
              isStarting={start.isPending}
              onStart={() =>
                start.mutate(counted, {
                  onSuccess: ({ id }) =>
                    void navigate({ to: '/replays/$replayId', params: { replayId: id } }),
                })
              }
            />
          )}
        </div>
      </Stack>
    </Only>
  );
}
