import type { Attempt } from '../../src/contracts/delivery';
import { attemptDuration } from '../../src/metrics';
import { classOf, type DeliveryRecord } from '../../src/store/delivery-record';
import type { ActivityDependencies } from '../dependencies';

/** Logs an attempt in one line, and measures it. */
export function tell(
  { log }: Pick<ActivityDependencies, 'log'>,
  { _id, projectId, eventId, webhookId }: DeliveryRecord,
  { number, outcome, statusCode, errorCode, durationMs, resent, superseded: isSuperseded }: Attempt,
): void {
  log.info(
    {
      projectId,
      eventId,
      deliveryId: _id,
      webhookId,
      attempt: number,
      outcome,
      statusCode,
      errorCode,
      durationMs,
      resent,
      ...(isSuperseded && { superseded: true }),
    },
    'delivery.attempted',
  );
  const result = statusCode === undefined ? errorCode : classOf(statusCode);
  attemptDuration.observe({ result }, durationMs / 1000);
}
