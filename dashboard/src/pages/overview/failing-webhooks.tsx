import { Link } from '@tanstack/react-router';
import { useRefusals } from '../../app/refusals';
import type { Stats } from '../../api/types';
import { texts } from '../../texts';
import { HealthBadge } from '../../ui/badge';
import { Card, Notice, Stack } from '../../ui/layout';
import { Time } from '../../ui/time';
import styles from './overview.module.css';

const words = texts.overview;
type Failing = Stats['failingWebhooks'];

export function FailingWebhooks({ failing }: { failing: Failing }): React.ReactNode {
  const { count, webhooks } = failing;
  return (
    <>
      <Notice tone="danger" title={words.failing(count)} />
      <Card title={words.failingTitle}>
        <Stack>
          <ul className={styles.failing}>
            {webhooks.map((webhook) => (
              <One key={webhook.id} webhook={webhook} />
            ))}
          </ul>
          {count > webhooks.length && (
            <Link to="/webhooks" search={{ state: 'failing,disabled' }}>
              {words.failingMore(count - webhooks.length)}
            </Link>
          )}
        </Stack>
      </Card>
    </>
  );
}

function One({ webhook }: { webhook: Failing['webhooks'][number] }): React.ReactNode {
  const { id, name, isActive, disabledReason, failureCount, lastStatus, lastFailedAt } = webhook;
  const refusal = useRefusals().send(webhook);
  return (
    <li>
      <div className={styles.failingHead}>
        <HealthBadge health={webhook.state} />
        <Link to="/webhooks/$webhookId" params={{ webhookId: id }}>
          <bdi>{name}</bdi>
        </Link>
        {failureCount > 0 && (
          <span className={styles.muted}>
            {words.failures(failureCount, lastStatus === null ? null : String(lastStatus))}
            {lastFailedAt !== null && (
              <>
                , <Time value={lastFailedAt} />
              </>
            )}
          </span>
        )}
      </div>
      <p>
        {isActive ? words.remedy.failing : (refusal ?? words.remedy[disabledReason ?? 'manual'])}{' '}
        <Link
          to="/deliveries"
          search={{ webhookId: id, status: isActive ? 'failed,pending' : 'skipped' }}
          className={styles.link}
        >
          {isActive ? words.seeFailed : words.seeSkipped}
        </Link>
      </p>
    </li>
  );
}
