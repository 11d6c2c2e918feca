import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useAccess } from '../../app/access';
import { Elsewhere } from '../../app/elsewhere';
import { useEvent } from '../../api/events';
import type { EventWithDeliveries } from '../../api/types';
import { useAvailableEvents } from '../../api/webhooks';
import { texts } from '../../texts';
import { Badge } from '../../ui/badge';
import { Button } from '../../ui/button';
import { CodeBlock, CopyId } from '../../ui/copy';
import { pretty } from '../../ui/json';
import { Card, Facts, Notice, PageHeader, Stack } from '../../ui/layout';
import { QueryState } from '../../ui/query-state';
import { Time } from '../../ui/time';
import { SendDialog } from '../events/send-dialog';
import { EventDeliveries } from './event-deliveries';
import { ExpungeDialog } from './expunge-dialog';

const words = texts.events;
const back = { to: '/events', label: words.title } as const;

export function EventPage(): React.ReactNode {
  const eventId = useParams({ strict: false }).eventId!;
  return <OneEvent key={eventId} eventId={eventId} />;
}

function OneEvent({ eventId }: { eventId: string }): React.ReactNode {
  const event = useEvent(eventId);
  // What somebody has written stays when the event expires.
  const [first, setFirst] = useState<{ type: string; dataText: string }>();
  const missing = <Elsewhere id={eventId} kind="event" />;
  return (
    <>
      <QueryState query={event} header={{ kind: words.oneTitle, back, missing }}>
        {(data) => <Shown event={data} onSendAgain={setFirst} />}
      </QueryState>
      {first && <SendDialog first={first} onClose={() => setFirst(undefined)} />}
    </>
  );
}

function Shown({
  event,
  onSendAgain,
}: {
  event: EventWithDeliveries;
  onSendAgain: (first: { type: string; dataText: string }) => void;
}): React.ReactNode {
  const { canPublish } = useAccess();
  const [isExpunging, setExpunging] = useState(false);
  const { id, type, data, expungedAt } = event;
  return (
    <>
      <PageHeader
        title={type}
        back={back}
        badge={
          <>
            {event.test && <Badge tone="info">{texts.common.test}</Badge>}
            {expungedAt !== null && <Badge icon="trash">{words.deleted}</Badge>}
          </>
        }
        actions={
          canPublish &&
          data !== null && (
            <>
              <SendAgain type={type} onClick={() => onSendAgain({ type, dataText: data })} />
              <Button icon="trash" onClick={() => setExpunging(true)}>
                {words.expunge.action}
              </Button>
            </>
          )
        }
      />
      <Stack>
        <Card>
          <Facts
            items={[
              { name: words.facts.id, value: <CopyId value={id} what={words.facts.id} /> },
              { name: words.facts.accepted, value: <Time value={event.acceptedAt} isAbsolute /> },
              { name: words.facts.created, value: <Time value={event.createdAt} isAbsolute /> },
              {
                name: words.facts.kind,
                value: event.test ? words.facts.testKind : words.facts.realKind,
              },
              ...(expungedAt === null
                ? []
                : [{ name: words.facts.deleted, value: <Time value={expungedAt} isAbsolute /> }]),
            ]}
          />
        </Card>
        <EventDeliveries event={event} />
        {data === null ? (
          <Notice tone="neutral" title={words.payloadGone}>
            {words.payloadGoneAdvice}
          </Notice>
        ) : (
          <Card title={words.payload}>
            <CodeBlock label={words.payload} code={pretty(data)} isWrapped />
          </Card>
        )}
      </Stack>
      {isExpunging && <ExpungeDialog id={id} onClose={() => setExpunging(false)} />}
    </>
  );
}

/** Not for Posthorn's own events, pings and types that were deleted: these can't be posted. */
function SendAgain({ type, onClick }: { type: string; onClick: () => void }): React.ReactNode {
  const { data } = useAvailableEvents();
  return (
    data?.events.includes(type) && (
      <Button icon="send" onClick={onClick}>
        {words.sendAgain}
      </Button>
    )
  );
}
