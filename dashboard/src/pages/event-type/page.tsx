import { useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useAccess } from '../../app/access';
import { useDeleteEventType, useEventTypes } from '../../api/events';
import { useAll, type List } from '../../api/lists';
import type { ListedEventType } from '../../api/types';
import { texts } from '../../texts';
import { Badge } from '../../ui/badge';
import { Button, LinkButton } from '../../ui/button';
import { CodeBlock } from '../../ui/copy';
import { ConfirmDialog } from '../../ui/dialog';
import { pretty } from '../../ui/json';
import { Card, EmptyState, Notice, PageHeader, Stack } from '../../ui/layout';
import { LoadError, Loading } from '../../ui/query-state';

const words = texts.eventTypes;
const back = { to: '/event-types', label: words.title } as const;

export function EventTypePage(): React.ReactNode {
  const type = useParams({ strict: false }).type!;
  return <OneType key={type} type={type} />;
}

function OneType({ type }: { type: string }): React.ReactNode {
  const list = useAll(useEventTypes());
  const navigate = useNavigate();
  const remove = useDeleteEventType();
  const [isDeleting, setDeleting] = useState(false);
  const found = list.items.find((one) => one.type === type);
  return (
    <>
      {found ? (
        <Shown eventType={found} onDelete={() => setDeleting(true)} />
      ) : (
        <NotShown type={type} list={list} />
      )}
      {/* Beside what is shown, which may be found to be gone before its deletion is answered. */}
      <ConfirmDialog
        isOpen={isDeleting}
        isDangerous
        onClose={() => setDeleting(false)}
        title={words.delete.title(type)}
        description={words.delete.lead}
        confirm={words.delete.confirm}
        onConfirm={() =>
          remove.mutateAsync({ type }, { onSuccess: () => void navigate({ to: '/event-types' }) })
        }
      />
    </>
  );
}

function NotShown({ type, list }: { type: string; list: List<ListedEventType> }): React.ReactNode {
  const isMissing = list.error === null && list.isWhole;
  return (
    <>
      <PageHeader
        title={isMissing ? texts.common.missing.title(words.oneTitle) : type}
        back={back}
      />
      {list.error !== null ? (
        <LoadError error={list.error} isBusy={list.isRefreshing} onRetry={list.refresh} />
      ) : !isMissing ? (
        <Loading />
      ) : (
        <Card isBare>
          <EmptyState icon="type" title={words.missing}>
            {words.missingAdvice}
          </EmptyState>
        </Card>
      )}
    </>
  );
}

function Shown({
  eventType,
  onDelete,
}: {
  eventType: ListedEventType;
  onDelete: () => void;
}): React.ReactNode {
  const { canPublish } = useAccess();
  const { type, description, source, sample, schema } = eventType;
  const reason = {
    project: null,
    profile: words.readOnly.profileOne,
    catalog: canPublish ? words.readOnly.catalog : words.readOnly.catalogReader,
  }[source];
  return (
    <>
      <PageHeader
        title={type}
        back={back}
        badge={<Badge>{words.source[source]}</Badge>}
        lead={<bdi>{description}</bdi>}
        actions={
          <>
            <LinkButton icon="event" to="/events" search={{ type }}>
              {words.seeEvents}
            </LinkButton>
            {canPublish && source !== 'profile' && (
              <LinkButton icon="edit" to="/event-types/$type/edit" params={{ type }}>
                {source === 'catalog' ? words.override : texts.common.edit}
              </LinkButton>
            )}
            {canPublish && source === 'project' && (
              <Button icon="trash" onClick={onDelete}>
                {texts.common.delete}
              </Button>
            )}
          </>
        }
      />
      <Stack>
        {reason !== null && <Notice tone="neutral">{reason}</Notice>}
        <Card title={words.sample} lead={words.sampleLead}>
          <CodeBlock label={words.sample} code={pretty(sample)} isWrapped />
        </Card>
        <Card title={words.schema} lead={words.schemaLead}>
          <CodeBlock label={words.schema} code={pretty(schema)} isWrapped />
        </Card>
      </Stack>
    </>
  );
}
