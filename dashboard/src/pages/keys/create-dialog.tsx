import { useId, useState } from 'react';
import { DAY_MS } from '../../../../src/domain/durations';
import { useAccess } from '../../app/access';
import { nowMs } from '../../api/clock';
import { fieldError } from '../../api/problem';
import { useCreateKey } from '../../api/projects';
import type { Key } from '../../api/types';
import { texts } from '../../texts';
import { Button } from '../../ui/button';
import { Form } from '../../ui/form';
import { CodeBlock } from '../../ui/copy';
import { Dialog } from '../../ui/dialog';
import { optionsOf, Radio, Select, TextField } from '../../ui/field';
import { Stack } from '../../ui/layout';
import { Refusal } from '../../ui/refusal';
import { Time } from '../../ui/time';
import { TimeField } from '../../ui/time-field';
import styles from './keys.module.css';

const words = texts.keys.form;
const ROLES: readonly Key['role'][] = ['sender', 'reader', 'owner'];
const FIELDS = ['name', 'role', 'expiresAt'] as const;
const DAYS = ['30', '90', '365'] as const;
const EXPIRIES = ['never', ...DAYS, 'chosen'] as const;

/** Makes a key, and then shows it, this once. */
export function CreateKeyDialog({ onClose }: { onClose: () => void }): React.ReactNode {
  const { projectId } = useAccess();
  const create = useCreateKey(projectId);
  const formId = useId();
  const [name, setName] = useState('');
  const [role, setRole] = useState<Key['role']>('sender');
  const [expiry, setExpiry] = useState<(typeof EXPIRIES)[number]>('never');
  const [at, setAt] = useState('');
  const [wrong, setWrong] = useState<{ name?: string; expiresAt?: string }>({});
  if (create.data) {
    return (
      <Dialog
        isOpen
        isDismissible={false}
        onClose={onClose}
        title={texts.keys.created.title}
        description={texts.keys.created.lead(create.data.name)}
        actions={
          <Button kind="primary" onClick={onClose}>
            {texts.keys.created.close}
          </Button>
        }
      >
        <CodeBlock label={texts.keys.created.label} code={create.data.key} isWrapped />
        {create.data.expiresAt !== null && (
          <p>
            {words.expiresAt} <Time value={create.data.expiresAt} />
          </p>
        )}
      </Dialog>
    );
  }
  const submit = (): void => {
    const days = DAYS.find((one) => one === expiry);
    const expiresAt = days
      ? new Date(nowMs() + Number(days) * DAY_MS).toISOString()
      : expiry === 'chosen'
        ? at
        : undefined;
    const problems = {
      ...(name.trim() === '' && { name: words.required }),
      ...(expiresAt === '' && { expiresAt: words.time }),
    };
    setWrong(problems);
    if (Object.keys(problems).length > 0) return;
    create.mutate({ name: name.trim(), role, ...(expiresAt !== undefined && { expiresAt }) });
  };
  const forgetErrors = (): void => {
    setWrong({});
    create.reset();
  };
  const errorOf = (field: 'name' | 'expiresAt'): string | undefined =>
    wrong[field] ?? fieldError(create.error, field);
  return (
    <Dialog
      isOpen
      // Closed before its answer, nobody would ever see what it shows once.
      isDismissible={!create.isPending}
      onClose={onClose}
      title={words.title}
      actions={
        <>
          <Button disabled={create.isPending} onClick={onClose}>
            {texts.common.cancel}
          </Button>
          <Button type="submit" form={formId} kind="primary" isBusy={create.isPending}>
            {texts.keys.create}
          </Button>
        </>
      }
    >
      <Form id={formId} onSubmit={submit}>
        <Stack>
          <Refusal error={create.error} besides={FIELDS} />
          <TextField
            label={words.name}
            help={words.nameHelp}
            error={errorOf('name')}
            value={name}
            onChange={(next) => {
              setName(next);
              forgetErrors();
            }}
          />
          <fieldset>
            <legend className={styles.legend}>{words.role}</legend>
            <Stack isTight>
              {ROLES.map((one) => (
                <Radio
                  key={one}
                  name="role"
                  label={texts.keys.role[one]}
                  help={texts.keys.roleHelp[one]}
                  isChecked={role === one}
                  onChange={() => {
                    setRole(one);
                    forgetErrors();
                  }}
                />
              ))}
            </Stack>
          </fieldset>
          <Select
            label={words.expiry}
            value={expiry}
            options={optionsOf(EXPIRIES, words.expiries)}
            onChange={(next) => {
              setExpiry(next);
              forgetErrors();
            }}
          />
          {expiry === 'chosen' && (
            <TimeField
              label={words.expiresAt}
              error={errorOf('expiresAt')}
              value={at}
              onChange={(next) => {
                setAt(next);
                forgetErrors();
              }}
            />
          )}
        </Stack>
      </Form>
    </Dialog>
  );
}
