import { Link } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { useTroubleOf } from '../../api/problem';
import { lastHours, useWebhookStats } from '../../api/stats';
import type { Stats, Webhook } from '../../api/types';
import { texts } from '../../texts';
import { Badge, HealthBadge } from '../../ui/badge';
import { CopyId } from '../../ui/copy';
import { Skeleton } from '../../ui/layout';
import { LoadError } from '../../ui/query-state';
import { Sparkline } from '../../ui/sparkline';
import { formatShare } from '../../ui/numbers';
import { attemptsOf, barsOf } from '../overview/intervals';
import { WebhookMenu, type WebhookAction } from './actions';
import { HealthNotice } from './health';
import styles from './webhooks.module.css';

const words = texts.webhooks;
const SHOWN_EVENTS = 3;

export function WebhookCard({
  webhook,
  onOpen,
}: {
  webhook: Webhook;
  onOpen: (action: WebhookAction) => void;
}): React.ReactNode {
  const { id, name, url, events } = webhook;
  const further = events.length - SHOWN_EVENTS;
  return (
    <article className={styles.card} aria-label={name}>
      <div className={styles.top}>
        <div>
          <h2 className={styles.name}>
            <Link to="/webhooks/$webhookId" params={{ webhookId: id }}>
              <bdi>{name}</bdi>
            </Link>
          </h2>
          <HealthBadge health={webhook.health.state} />
        </div>
        <WebhookMenu webhook={webhook} onOpen={onOpen} />
      </div>
      <div className={styles.ids}>
        <CopyId value={url} what={words.url} />
        <CopyId value={id} what={words.id} />
      </div>
      <div className={styles.meta}>
        {events.slice(0, SHOWN_EVENTS).map((event) => (
          <Badge key={event}>{event === '*' ? words.allEvents : event}</Badge>
        ))}
        {further > 0 && <Badge>{words.moreEvents(further)}</Badge>}
      </div>
      <HealthNotice webhook={webhook} />
      <Day webhookId={id} />
    </article>
  );
}

/** Its last 24 hours, asked for when the card is in view: there may be a hundred of them. */
function Day({ webhookId }: { webhookId: string }): React.ReactNode {
  const box = useRef<HTMLDivElement>(null);
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => {
      if (entry?.isIntersecting) setSeen(true);
    });
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  const stats = useWebhookStats(webhookId, lastHours(24), isSeen);
  const trouble = useTroubleOf(stats);
  return (
    <div ref={box} className={styles.chart}>
      {stats.data ? (
        <DayChart stats={stats.data} />
      ) : trouble ? (
        <LoadError error={trouble} isBusy={stats.isLoading} onRetry={() => void stats.refetch()} />
      ) : (
        <Skeleton />
      )}
    </div>
  );
}

function DayChart({ stats }: { stats: Stats }): React.ReactNode {
  const { attempts, successRate, deliveries } = stats;
  return (
    <>
      <Sparkline
        bars={barsOf(stats, attemptsOf)}
        label={words.spark(attempts.succeeded, attempts.failed)}
      />
      <div className={styles.caption}>
        <span>{words.day}</span>
        <span>
          {successRate !== null
            ? words.rate(formatShare(successRate), deliveries.total ?? 0)
            : attempts.total === 0
              ? words.quiet
              : words.noneEnded(attempts.total)}
        </span>
      </div>
    </>
  );
}
