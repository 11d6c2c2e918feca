import { useId, useState } from 'react';
import { useDeleteProject } from '../../api/projects';
import type { Project } from '../../api/types';
import { texts } from '../../texts';
import { Button } from '../../ui/button';
import { Form } from '../../ui/form';
import { CopyId } from '../../ui/copy';
import { Dialog } from '../../ui/dialog';
import { TextField } from '../../ui/field';
import { Card, Stack } from '../../ui/layout';
import { Refusal } from '../../ui/refusal';
import styles from './settings.module.css';

const words = texts.settings.deletion;

export function DeleteProject({ project }: { project: Project }): React.ReactNode {
  const [isOpen, setOpen] = useState(false);
  return (
    <Card title={words.title} lead={words.lead}>
      <Button kind="danger" icon="trash" onClick={() => setOpen(true)}>
        {words.action}
      </Button>
      {isOpen && <DeleteDialog project={project} onClose={() => setOpen(false)} />}
    </Card>
  );
}

/** Whoever has many projects open deletes only the one whose name they type. */
function DeleteDialog({
  project: { id, name },
  onClose,
}: {
  project: Project;
  onClose: () => void;
}): React.ReactNode {
  const remove = useDeleteProject(id);
  const formId = useId();
  const [typed, setTyped] = useState('');
  const [wrong, setWrong] = useState<string>();
  const submit = (): void => {
    // A name may consist of what can't be seen.
    const names = [plain(name), id].filter((one) => one !== '');
    if (names.includes(plain(typed))) remove.mutate();
    else setWrong(words.wrong);
  };
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={words.ask(name)}
      description={words.goes}
      actions={
        <>
          <Button onClick={onClose}>{texts.common.cancel}</Button>
          <Button type="submit" form={formId} kind="danger" isBusy={remove.isPending}>
            {words.submit}
          </Button>
        </>
      }
    >
      <Form id={formId} onSubmit={submit}>
        <Stack>
          <Refusal error={remove.error} besides={[]} />
          <ul className={styles.gone}>
            {words.gone.map((what) => (
              <li key={what}>{what}</li>
            ))}
          </ul>
          <p>{words.final}</p>
          <CopyId value={id} what={texts.settings.projectId} />
          <TextField
            label={words.confirm}
            help={words.confirmHelp(name)}
            error={wrong}
            value={typed}
            onChange={(next) => {
              setTyped(next);
              setWrong(undefined);
            }}
          />
        </Stack>
      </Form>
    </Dialog>
  );
}

/** As it can be typed: without what is not seen. */
const plain = (text: string): string =>
  text
    .normalize('NFKC')
    .replaceAll(/\p{Cf}/gu, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
