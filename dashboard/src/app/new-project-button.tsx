import { lazy, Suspense, useState } from 'react';
import { texts } from '../texts';
import { Button } from '../ui/button';

/** Loaded only for an admin who opens it. */
const NewProjectDialog = lazy(() => import('./new-project'));

export function NewProjectButton({
  kind,
  onCreated,
}: {
  kind: 'primary' | 'ghost';
  onCreated: (id: string) => void;
}): React.ReactNode {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button
        kind={kind}
        size={kind === 'ghost' ? 'small' : 'medium'}
        icon="plus"
        onClick={() => setOpen(true)}
      >
        {texts.app.newProject.action}
      </Button>
      {isOpen && (
        <Suspense fallback={null}>
          <NewProjectDialog
            onCreated={(id) => {
              setOpen(false);
              onCreated(id);
            }}
            onClose={() => setOpen(false)}
          />
        </Suspense>
      )}
    </>
  );
}
