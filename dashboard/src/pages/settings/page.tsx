import { useAccess } from '../../app/access';
import { useProject } from '../../api/projects';
import { texts } from '../../texts';
import { CopyId } from '../../ui/copy';
import { Card, EmptyState, Facts, PageHeader, Stack } from '../../ui/layout';
import { QueryState } from '../../ui/query-state';
import { Time } from '../../ui/time';
import { DeleteProject } from './delete-project';
import { SettingsForm } from './form';
import { PortalLinks } from './portal-links';
import { ProviderKeys } from './provider-keys';

const words = texts.settings;

export function SettingsPage(): React.ReactNode {
  const { isAdmin, canWrite, projectId } = useAccess();
  const project = useProject(projectId, isAdmin);
  const id = { name: words.projectId, value: <CopyId value={projectId} what={words.projectId} /> };
  return (
    <>
      <PageHeader title={words.title} />
      {isAdmin ? (
        <QueryState query={project}>
          {(data) => (
            <Stack>
              <Card>
                <Facts
                  items={[
                    id,
                    { name: words.profile, value: <code>{data.profile}</code> },
                    { name: words.created, value: <Time value={data.createdAt} isAbsolute /> },
                    { name: words.updated, value: <Time value={data.updatedAt} /> },
                  ]}
                />
              </Card>
              <SettingsForm key={data.id} project={data} />
              <PortalLinks />
              {data.providerKeys && <ProviderKeys project={data} />}
              <DeleteProject project={data} />
            </Stack>
          )}
        </QueryState>
      ) : (
        <Stack>
          <Card>
            <Facts items={[id]} />
          </Card>
          {canWrite && <PortalLinks />}
          <EmptyState icon="lock" title={words.adminOnly}>
            {words.adminOnlyAdvice}
          </EmptyState>
        </Stack>
      )}
    </>
  );
}
