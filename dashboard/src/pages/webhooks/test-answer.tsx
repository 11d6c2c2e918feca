import { useDelivery } from '../../api/deliveries';
import { useTroubleOf } from '../../api/problem';
import { texts } from '../../texts';
import { StatusBadge } from '../../ui/badge';
import { LinkButton } from '../../ui/button';
import { CodeBlock } from '../../ui/copy';
import { inert } from '../../ui/inert';
import { Row } from '../../ui/layout';
import { LoadError } from '../../ui/query-state';
import { formatDuration } from '../../ui/time';
import styles from './webhooks.module.css';

const words = texts.webhooks.testDialog;

/** One delivery of a test, from its way to the answer. */
export function TestAnswer({
  id,
  eventType,
  isTold,
}: {
  id: string;
  eventType: string;
  /** Whether deliveries' changes are told. */
  isTold: boolean;
}): React.ReactNode {
  const delivery = useDelivery(id, isTold);
  const { data } = delivery;
  const trouble = useTroubleOf(delivery);
  const attempt = data?.attempts.at(-1);
  return (
    <div className={styles.answer}>
      <Row>
        <StatusBadge status={data?.status ?? 'pending'} />
        <code>{eventType}</code>
        <span className={styles.grow} role="status">
          {attempt === undefined
            ? data?.status === 'held'
              ? words.held
              : data?.pending
                ? texts.deliveries.one.reason[data.pending.reason]
                : words.waiting
            : attempt.statusCode === undefined
              ? words.noAnswer(attempt.errorCode ?? '', formatDuration(attempt.durationMs))
              : words.answered(attempt.statusCode, formatDuration(attempt.durationMs))}
        </span>
        <LinkButton size="small" to="/deliveries/$deliveryId" params={{ deliveryId: id }}>
          {words.open}
        </LinkButton>
      </Row>
      {trouble && !data && (
        <LoadError
          error={trouble}
          isBusy={delivery.isLoading}
          onRetry={() => void delivery.refetch()}
        />
      )}
      {attempt?.statusCode !== undefined &&
        (attempt.responseBody ? (
          <CodeBlock label={words.answer(eventType)} code={attempt.responseBody} isWrapped />
        ) : (
          <p className={styles.muted}>{words.emptyBody}</p>
        ))}
      {attempt?.responseBodyCut && <p className={styles.muted}>{texts.deliveries.one.answerCut}</p>}
      {attempt?.errorMessage !== undefined && (
        <p className={styles.muted}>
          <bdi>{inert(attempt.errorMessage)}</bdi>
        </p>
      )}
    </div>
  );
}
