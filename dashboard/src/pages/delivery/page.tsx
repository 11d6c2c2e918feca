import { Link, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useAccess } from '../../app/access';
import { Elsewhere } from '../../app/elsewhere';
import { useRefusals } from '../../app/refusals';
import { useDelivery } from '../../api/deliveries';
import { useEvent } from '../../api/events';
import { useLiveDeliveries } from '../../api/live';
import { isMissing, useTroubleOf } from '../../api/problem';
import type { ExplainedDelivery } from '../../api/types';
import { useKnownWebhook } from '../../api/webhooks';
import { texts } from '../../texts';
import { Badge, StatusBadge } from '../../ui/badge';
import { Button } from '../../ui/button';
import { CopyId } from '../../ui/copy';
import { Card, Facts, PageHeader, Stack } from '../../ui/layout';
import { LoadError, QueryState } from '../../ui/query-state';
import { Time } from '../../ui/time';
import { Actions } from './actions';
import { Attempts } from './attempts';
import { CompareDialog } from './compare';
import { Exchange } from './exchange';
import { Waiting } from './waiting';
import styles from './delivery.module.css';

const words = texts.deliveries.one;
const back = { to: '/deliveries', label: texts.deliveries.title } as const;

export function DeliveryPage(): React.ReactNode {
  const deliveryId = useParams({ strict: false }).deliveryId!;
  // What has ended may be replayed, by a bulk replay too.
  const isTold = useLiveDeliveries(true);
  const delivery = useDelivery(deliveryId, isTold);
  const missing = <Elsewhere id={deliveryId} kind="delivery" />;
  return (
    <QueryState query={delivery} header={{ kind: texts.deliveries.oneTitle, back, missing }}>
      {(data) => <Shown key={data.id} delivery={data} />}
    </QueryState>
  );
}

function Shown({ delivery }: { delivery: ExplainedDelivery }): React.ReactNode {
  const { id, eventId, webhookId, attempts } = delivery;
  const event = useEvent(eventId);
  const trouble = useTroubleOf(event);
  // It may have expired before its delivery.
  const body = isMissing(trouble) ? null : event.data?.body;
  const webhook = useKnownWebhook(webhookId);
  const { isPlatform } = useAccess();
  const refusals = useRefusals();
  const refusal = refusals.send(webhook);
  const [chosen, setChosen] = useState<number>();
  const [isComparing, setComparing] = useState(false);
  const decisive = chosen ?? delivery.lastAttempt?.number;
  const shown = attempts.find(({ number }) => number === decisive) ?? attempts.at(-1);
  return (
    <>
      <PageHeader
        title={delivery.eventType}
        back={back}
        badge={
          <>
            <StatusBadge status={delivery.status} />
            {delivery.test && <Badge>{texts.common.test}</Badge>}
          </>
        }
        actions={<Actions delivery={delivery} url={webhook?.url} body={body} refusal={refusal} />}
      />
      <Stack>
        <Waiting
          delivery={delivery}
          refusal={refusal ?? (delivery.status === 'held' ? refusals.pause(webhook) : null)}
        />
        <Card>
          <Facts
            items={[
              { name: words.id, value: <CopyId value={id} what={words.id} /> },
              {
                name: words.event,
                value: (
                  <span className={styles.linked}>
                    <Link to="/events/$eventId" params={{ eventId }}>
                      {eventId}
                    </Link>
                    <CopyId value={eventId} what={words.event} shown="" />
                  </span>
                ),
              },
              {
                name: words.webhook,
                value: (
                  <Link to="/webhooks/$webhookId" params={{ webhookId }}>
                    <bdi>{webhook?.name ?? webhookId}</bdi>
                  </Link>
                ),
              },
              {
                name: words.url,
                value: webhook ? (
                  <CopyId value={webhook.url} what={words.url} />
                ) : (
                  texts.common.none
                ),
              },
              { name: words.createdAt, value: <Time value={delivery.createdAt} isAbsolute /> },
              { name: words.completedAt, value: <Completed delivery={delivery} /> },
              { name: words.replays, value: delivery.replays },
              ...(isPlatform
                ? [{ name: words.drivenBy, value: <Driver delivery={delivery} /> }]
                : []),
            ]}
          />
        </Card>
        <div className={styles.columns}>
          <Card
            title={words.timeline}
            actions={
              attempts.length > 1 && (
                <Button size="small" onClick={() => setComparing(true)}>
                  {words.compare}
                </Button>
              )
            }
          >
            <Attempts delivery={delivery} shown={shown?.number} onShow={setChosen} />
          </Card>
          <Card title={shown ? words.attempt(shown.number) : words.payload}>
            <Exchange
              attempt={shown}
              isExplained={
                delivery.status === 'failed' && shown?.number === delivery.lastAttempt?.number
              }
              requestBody={body}
              isExpunged={typeof event.data?.expungedAt === 'string'}
              trouble={
                trouble && (
                  <LoadError
                    error={trouble}
                    isBusy={event.isLoading}
                    onRetry={() => void event.refetch()}
                  />
                )
              }
            />
          </Card>
        </div>
      </Stack>
      {isComparing && <CompareDialog attempts={attempts} onClose={() => setComparing(false)} />}
    </>
  );
}

function Completed({ delivery }: { delivery: ExplainedDelivery }): React.ReactNode {
  if (delivery.completedAt === null) return words.notYet;
  return <Time value={delivery.completedAt} isAbsolute />;
}

/** Its workflow in Temporal, or the courier of its project. */
function Driver({ delivery: { workflow } }: { delivery: ExplainedDelivery }): React.ReactNode {
  if (workflow === null) return words.courier;
  if (workflow.webUrl === null) return <CopyId value={workflow.id} what={words.workflow} />;
  return (
    <a href={workflow.webUrl} target="_blank" rel="noreferrer">
      {words.openWorkflow}
    </a>
  );
}
