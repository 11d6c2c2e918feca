import { useProject } from '../api/projects';
import { useAnywhere } from '../api/search';
import type { SearchResult } from '../api/types';
import { texts } from '../texts';
import { Button } from '../ui/button';
import { EmptyState } from '../ui/layout';
import { Loading } from '../ui/query-state';
import { useAccess } from './access';

const words = texts.common.missing;

/**
 * In place of what the open project does not have: for the admin, in which one it is.
 * @param kind what is looked for; without it, anything
 * @param children if it is in none
 */
export function Elsewhere({
  id,
  kind,
  children,
}: {
  id: string;
  kind?: SearchResult['kind'];
  children?: React.ReactNode;
}): React.ReactNode {
  const { isAdmin, project, switchProject } = useAccess();
  const found = useAnywhere(id, isAdmin);
  const isMeant = kind === undefined || found.data?.kind === kind;
  const projectId = (isMeant && found.data?.projectId) || null;
  const isOther = projectId !== null && projectId !== project?.id;
  // In the cache then, so that it is there at once when it is opened.
  const other = useProject(projectId ?? '', isOther);
  // In an outage the page says what it knows.
  const isLooking = [found, other].some((one) => one.isLoading && one.failureCount === 0);
  return (
    <div role="status">
      {isLooking ? (
        <Loading rows={2} />
      ) : isOther && other.data && project ? (
        <EmptyState
          icon="search"
          title={words.elsewhere(other.data.name)}
          actions={
            <Button kind="primary" onClick={() => switchProject(projectId)}>
              {words.open(other.data.name)}
            </Button>
          }
        >
          {words.elsewhereAdvice(project.name)}
        </EmptyState>
      ) : (
        (children ?? (
          <EmptyState icon="search" title={words.nothing}>
            {found.data === null
              ? words.nowhere
              : project
                ? words.searched(project.name)
                : words.advice}
          </EmptyState>
        ))
      )}
    </div>
  );
}
