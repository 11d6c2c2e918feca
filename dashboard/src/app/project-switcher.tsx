import { useNavigate } from '@tanstack/react-router';
import { texts } from '../texts';
import { Select } from '../ui/field';
import { useAccess } from './access';

/** For the admin, who sees all projects; a project's own keys have only one. */
export function ProjectSwitcher(): React.ReactNode {
  const { isAdmin, projects, projectId, switchProject } = useAccess();
  const navigate = useNavigate();
  if (!isAdmin) return null;
  const listed = projects.map(({ id, name }) => ({ value: id, label: name }));
  const isListed = listed.some(({ value }) => value === projectId);
  return (
    <Select
      label={texts.app.project.label}
      value={projectId}
      // With thousands of projects, the current one may be on a later page.
      options={isListed ? listed : [{ value: projectId, label: projectId }, ...listed]}
      onChange={(id) => {
        // What is shown belongs to the former project.
        void navigate({ to: '/' });
        switchProject(id);
      }}
    />
  );
}
