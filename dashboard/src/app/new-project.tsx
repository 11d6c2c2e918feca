import { useId, useState } from 'react';
import { fieldError } from '../api/problem';
import { useCreateProject } from '../api/projects';
import type { Project } from '../api/types';
import { texts } from '../texts';
import { Button } from '../ui/button';
import { Form } from '../ui/form';
import { Dialog } from '../ui/dialog';
import { Radio, TextField } from '../ui/field';
import { Stack } from '../ui/layout';
import { Refusal } from '../ui/refusal';

const words = texts.app.newProject;
type Profile = Project['profile'];
const PROFILES = Object.keys(words.profiles) as Profile[];
const FIELDS = ['name', 'profile'] as const;

/** The admin's. Everything else about a project is in its settings. */
export default function NewProjectDialog({
  onCreated,
  onClose,
}: {
  onCreated: (id: string) => void;
  onClose: () => void;
}): React.ReactNode {
  const create = useCreateProject();
  const formId = useId();
  const [name, setName] = useState('');
  const [profile, setProfile] = useState<Profile>('autosend');
  const [wrong, setWrong] = useState<string>();
  const submit = (): void => {
    if (name.trim() === '') setWrong(words.required);
    else create.mutate({ name: name.trim(), profile }, { onSuccess: ({ id }) => onCreated(id) });
  };
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={words.title}
      description={words.lead}
      actions={
        <>
          <Button onClick={onClose}>{texts.common.cancel}</Button>
          <Button type="submit" form={formId} kind="primary" isBusy={create.isPending}>
            {words.submit}
          </Button>
        </>
      }
    >
      <Form id={formId} onSubmit={submit}>
        <Stack>
          <Refusal error={create.error} besides={FIELDS} />
          <TextField
            label={words.name}
            error={wrong ?? fieldError(create.error, 'name')}
            value={name}
            onChange={(next) => {
              setName(next);
              setWrong(undefined);
              create.reset();
            }}
          />
          <fieldset>
            <legend>{words.profile}</legend>
            <Stack isTight>
              {PROFILES.map((one) => (
                <Radio
                  key={one}
                  name="profile"
                  label={<code>{one}</code>}
                  help={words.profiles[one]}
                  isChecked={profile === one}
                  onChange={() => setProfile(one)}
                />
              ))}
            </Stack>
          </fieldset>
        </Stack>
      </Form>
    </Dialog>
  );
}
