import { useState } from 'react';
import { explain, fieldError, isUnauthorized, Problem } from '../../api/problem';
import type { WebhookInput } from '../../api/webhooks';
import { useAccess } from '../../app/access';
import { texts } from '../../texts';
import { Button } from '../../ui/button';
import { Form } from '../../ui/form';
import { TextArea, TextField } from '../../ui/field';
import { Card, Notice, Stack } from '../../ui/layout';
import { inputOf, type Draft, type DraftErrors, type FieldsProps } from './draft';
import { EventsField } from './events-field';
import { FilterField } from './filter-field';
import { HeadersField } from './headers-field';
import { PolicyFields } from './policy-fields';
import { SigningField } from './signing-field';
import styles from './form.module.css';

const words = texts.webhooks.form;

/** Everything that can be set on a webhook. */
export function WebhookForm({
  initial,
  isNew,
  submit,
  onSubmit,
  onCancel,
}: {
  /** As it is now: what nobody has written in follows it. */
  initial: Draft;
  isNew: boolean;
  submit: string;
  /** Rejects with the API's refusal, whose fields are then shown. */
  onSubmit: (input: WebhookInput, draft: Draft) => Promise<unknown>;
  onCancel: () => void;
}): React.ReactNode {
  const { isPlatform } = useAccess();
  const [written, setWritten] = useState<Partial<Draft>>({});
  const draft = { ...initial, ...written };
  const [errors, setErrors] = useState<DraftErrors>({});
  const [refusal, setRefusal] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const errorOf = (field: string): string | undefined =>
    errors[field] ?? fieldError(refusal, field);
  const fields: FieldsProps = {
    draft,
    isNew,
    errorOf,
    onChange: (changes) => setWritten((current) => ({ ...current, ...changes })),
  };

  const save = async (): Promise<void> => {
    const { input, errors: found } = inputOf(draft);
    if (!isPlatform) delete input.policy;
    setErrors(found);
    setRefusal(null);
    if (Object.keys(found).length > 0) return;
    setBusy(true);
    try {
      await onSubmit(input, draft);
    } catch (failure) {
      // Otherwise the sign-in page says it.
      if (!isUnauthorized(failure)) setRefusal(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Form
      className={styles.form}
      onSubmit={() => {
        if (!isBusy) void save();
      }}
    >
      <EndpointFields {...fields} />
      <EventsField {...fields} />
      <FilterField {...fields} />
      <SigningField {...fields} />
      <HeadersField {...fields} />
      {isPlatform && <PolicyFields {...fields} />}
      {refusal !== null && <RefusalNotice refusal={refusal} />}
      <div className={styles.foot}>
        <Button disabled={isBusy} onClick={onCancel}>
          {texts.common.cancel}
        </Button>
        <Button type="submit" kind="primary" isBusy={isBusy}>
          {isBusy ? words.submitting : submit}
        </Button>
      </div>
    </Form>
  );
}

function RefusalNotice({ refusal }: { refusal: unknown }): React.ReactNode {
  const { title, advice } = explain(refusal);
  const isOfFields = refusal instanceof Problem && refusal.code === 'validation_failed';
  return (
    <Notice tone="danger" title={isOfFields ? words.check : title}>
      {advice}
    </Notice>
  );
}

function EndpointFields({ draft, isNew, onChange, errorOf }: FieldsProps): React.ReactNode {
  return (
    <Card title={words.endpoint}>
      <Stack>
        <TextField
          label={words.name}
          help={words.nameHelp}
          error={errorOf('name')}
          value={draft.name}
          onChange={(name) => onChange({ name })}
          required
        />
        <TextField
          label={words.url}
          help={isNew ? words.urlHelp : words.urlLocked}
          error={errorOf('url')}
          value={draft.url}
          onChange={(url) => onChange({ url })}
          type="url"
          placeholder="https://example.com/webhooks"
          isCode
          readOnly={!isNew}
          required={isNew}
        />
        <TextArea
          label={words.description}
          error={errorOf('description')}
          isOptional
          rows={2}
          value={draft.description}
          onChange={(description) => onChange({ description })}
        />
      </Stack>
    </Card>
  );
}
