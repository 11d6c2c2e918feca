import { useState } from 'react';
import { changesOf } from '../../api/changes';
import { fieldError } from '../../api/problem';
import { useUpdateProject } from '../../api/projects';
import type { Project } from '../../api/types';
import { texts } from '../../texts';
import { Button } from '../../ui/button';
import { Form } from '../../ui/form';
import { optionsOf, Select, TextArea, TextField } from '../../ui/field';
import { Card, Row, Stack } from '../../ui/layout';
import { Refusal } from '../../ui/refusal';
import { draftOf, inputOf, type Draft, type Problems } from './draft';
import styles from './settings.module.css';

const words = texts.settings;
const FIELDS = [
  'name',
  'ownerEmail',
  'externalId',
  'plan',
  'catalog',
  'dispatch',
  'policy',
  'portalOrigins',
] as const;

export function SettingsForm({ project }: { project: Project }): React.ReactNode {
  const save = useUpdateProject(project.id);
  const [written, setWritten] = useState<Partial<Draft>>({});
  // What nobody has written in follows what the project has now.
  const before = draftOf(project);
  const draft = { ...before, ...written };
  const [wrong, setWrong] = useState<Problems>({});
  const change = (changes: Partial<Draft>): void => {
    setWritten({ ...written, ...changes });
    setWrong({});
    save.reset();
  };
  /** @param path the API's name of it */
  const text = (field: keyof Draft, path: string = field) => ({
    value: draft[field],
    error: wrong[path] ?? fieldError(save.error, path),
    onChange: (value: string) => change({ [field]: value }),
  });
  const figure = (field: keyof Draft, path: string) => ({
    ...text(field, path),
    isOptional: true,
    inputMode: 'decimal' as const,
  });
  const submit = (): void => {
    const { input, problems } = inputOf(draft);
    setWrong(problems);
    if (Object.keys(problems).length > 0) return;
    save.mutate(changesOf(inputOf(before).input, input, project.policy), {
      onSuccess: () => setWritten((now) => (now === written ? {} : now)),
    });
  };
  return (
    <Form onSubmit={submit}>
      <Stack>
        <Card title={words.general}>
          <div className={styles.grid}>
            <TextField label={words.name} {...text('name')} />
            <TextField
              label={words.ownerEmail}
              help={words.ownerEmailHelp}
              type="email"
              isOptional
              {...text('ownerEmail')}
            />
            <TextField
              label={words.externalId}
              help={words.externalIdHelp}
              isOptional
              isCode
              {...text('externalId')}
            />
            <TextField label={words.plan} help={words.planHelp} isOptional {...text('plan')} />
            {(project.profile === 'custom' || project.catalog !== null) && (
              <TextField
                label={words.catalog}
                help={words.catalogHelp}
                isOptional
                isCode
                {...text('catalog')}
              />
            )}
          </div>
        </Card>
        <Card title={words.delivery} lead={words.deliveryLead}>
          <div className={styles.grid}>
            <Select
              label={words.dispatch}
              value={draft.dispatch}
              error={fieldError(save.error, 'dispatch')}
              options={[
                { value: '', label: words.dispatches.default },
                ...optionsOf(['workflow', 'auto', 'express'], words.dispatches),
              ]}
              onChange={(dispatch) => change({ dispatch })}
            />
            <TextField
              label={words.delays}
              help={words.delaysHelp}
              isOptional
              isCode
              {...text('delays', 'policy.retryDelaysMs')}
            />
            <TextField label={words.timeout} {...figure('timeoutSeconds', 'policy.timeoutMs')} />
            <TextField
              label={words.rate}
              help={words.rateHelp}
              {...figure('ratePerSecond', 'policy.ratePerSecond')}
            />
            <TextField
              label={words.autoDisable}
              help={words.autoDisableHelp}
              {...figure('autoDisableAfter', 'policy.autoDisableAfter')}
            />
            <Select
              label={words.order}
              value={draft.backlogOrder}
              options={[
                { value: '', label: words.orders.default },
                ...optionsOf(['oldest_first', 'newest_first'], words.orders),
              ]}
              onChange={(backlogOrder) => change({ backlogOrder })}
            />
          </div>
        </Card>
        <Card title={words.limits}>
          <div className={styles.grid}>
            <TextField label={words.maxWebhooks} {...figure('maxWebhooks', 'policy.maxWebhooks')} />
            <TextField
              label={words.retention}
              help={words.retentionHelp}
              {...figure('retentionDays', 'policy.retentionDays')}
            />
          </div>
        </Card>
        <Card title={words.portal}>
          <TextArea
            label={words.origins}
            help={words.originsHelp}
            isOptional
            isCode
            rows={3}
            {...text('portalOrigins')}
          />
        </Card>
        <Refusal error={save.error} besides={FIELDS} />
        <Row>
          <Button type="submit" kind="primary" isBusy={save.isPending}>
            {texts.common.save}
          </Button>
        </Row>
      </Stack>
    </Form>
  );
}
