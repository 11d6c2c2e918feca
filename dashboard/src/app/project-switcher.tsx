import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { rememberProject, useProjects } from '../api/projects';
import type { Project } from '../api/types';
import { texts } from '../texts';
import { Stack } from '../ui/layout';
import { SearchSelect } from '../ui/search-select';
import { useAccess } from './access';
import { NewProjectButton } from './new-project-button';

const words = texts.app.project;

/** For the admin, who sees all projects; a project's own keys have only one. */
export function ProjectSwitcher({ onChosen }: { onChosen: () => void }): React.ReactNode {
  const { project } = useAccess();
  return project && <Switcher project={project} onChosen={onChosen} />;
}

function Switcher({
  project,
  onChosen,
}: {
  project: Project;
  onChosen: () => void;
}): React.ReactNode {
  const { switchProject } = useAccess();
  const navigate = useNavigate();
  const [q, setQ] = useState('');
  const all = useProjects();
  const found = useProjects(q);
  const onChange = (id: string): void => {
    // What is shown belongs to the former project.
    void navigate({ to: '/' });
    const chosen = found.items.find((one) => one.id === id);
    if (chosen) rememberProject(chosen);
    switchProject(id);
    setQ('');
    onChosen();
  };
  return (
    <Stack isTight>
      <SearchSelect
        label={words.label}
        search={words.search}
        value={project.id}
        current={project.name}
        {...{ all, q, found }}
        onSearch={setQ}
        onChange={onChange}
      />
      <div>
        <NewProjectButton kind="ghost" onCreated={onChange} />
      </div>
    </Stack>
  );
}
