import { useState } from 'react';
import { API_ROOT } from '../../api/http';
import { fieldError } from '../../api/problem';
import { useSetProviderKey } from '../../api/projects';
import type { Project } from '../../api/types';
import { texts } from '../../texts';
import { Badge } from '../../ui/badge';
import { Button } from '../../ui/button';
import { Form } from '../../ui/form';
import { CopyId } from '../../ui/copy';
import { ConfirmDialog } from '../../ui/dialog';
import { TextField } from '../../ui/field';
import { Card, Row, Stack } from '../../ui/layout';
import { Refusal } from '../../ui/refusal';
import styles from './settings.module.css';

const words = texts.settings.providers;
type Provider = keyof typeof words.name;
const PROVIDERS = Object.keys(words.name) as Provider[];

/** Where e-mail providers report to, and the keys by which their signatures are verified. */
export function ProviderKeys({ project }: { project: Project }): React.ReactNode {
  return (
    <Card title={words.title} lead={words.lead}>
      <Stack>
        <p className={styles.help}>{words.addressHelp}</p>
        <div className={styles.grid}>
          {PROVIDERS.map((provider) => (
            <One
              key={provider}
              provider={provider}
              projectId={project.id}
              isSet={project.providerKeys?.[provider] ?? false}
            />
          ))}
        </div>
      </Stack>
    </Card>
  );
}

function One({
  provider,
  projectId,
  isSet,
}: {
  provider: Provider;
  projectId: string;
  isSet: boolean;
}): React.ReactNode {
  const save = useSetProviderKey(projectId, true);
  const remove = useSetProviderKey(projectId, false);
  const [key, setKey] = useState('');
  const [wrong, setWrong] = useState<string>();
  const [isRemoving, setRemoving] = useState(false);
  const name = words.name[provider];
  const field = `providerKeys.${provider}`;
  const address = new URL(`${API_ROOT}api/webhooks/${provider}?token=`, location.href).href;
  return (
    <Form
      onSubmit={() => {
        if (key.trim() === '') setWrong(words.required);
        else {
          save.mutate(
            { provider, key: key.trim() },
            // Unless another one was written meanwhile.
            { onSuccess: () => setKey((now) => (now === key ? '' : now)) },
          );
        }
      }}
    >
      <Stack isTight>
        <Row>
          <h3>{name}</h3>
          {isSet ? (
            <Badge tone="success" icon="lock">
              {words.isSet}
            </Badge>
          ) : (
            <Badge tone="warning" icon="warning">
              {words.isNotSet}
            </Badge>
          )}
        </Row>
        <CopyId value={address} what={words.address(name)} />
        <TextField
          label={words.key(name)}
          help={words.keyHelp[provider]}
          error={wrong ?? fieldError(save.error, field)}
          type="password"
          autoComplete="new-password"
          isCode
          value={key}
          onChange={(next) => {
            setKey(next);
            setWrong(undefined);
            save.reset();
          }}
        />
        <Refusal error={save.error} besides={[field]} />
        <Row>
          <Button type="submit" size="small" isBusy={save.isPending}>
            {words.save(name)}
          </Button>
          {isSet && (
            <Button size="small" icon="trash" onClick={() => setRemoving(true)}>
              {words.remove(name)}
            </Button>
          )}
        </Row>
      </Stack>
      {isRemoving && (
        <ConfirmDialog
          isOpen
          isDangerous
          onClose={() => setRemoving(false)}
          title={`${words.remove(name)}?`}
          description={words.removeLead}
          confirm={words.remove(name)}
          onConfirm={() => remove.mutateAsync({ provider, key: null })}
        />
      )}
    </Form>
  );
}
