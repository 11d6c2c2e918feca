import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ChildWorkflowCancellationType,
  continueAsNew,
  ParentClosePolicy,
  proxyActivities,
  proxyLocalActivities,
  startChild,
  WorkflowIdReusePolicy,
} from '@temporalio/workflow';
import type { Activities, DeliveryPlan, PlannedDelivery } from '../src/contracts/activities';
import {
  deliverySearchAttributes,
  deliveryWorkflowId,
  priorityOf,
} from '../src/contracts/temporal';
import { deliverWebhook } from './deliver';

/** Children after which the workflow continues in a new run, to keep histories short. */
const CHILDREN_PER_RUN = 500;

const { planDeliveries, markFannedOut } = proxyLocalActivities<Activities>({
  startToCloseTimeout: '2m',
  retry: { initialInterval: '1s', maximumInterval: '30s' },
});

/** Filters may wait for their turn, so not in a local activity, which would occupy a workflow task's slot. */
const { planFilteredDeliveries } = proxyActivities<Activities>({
  startToCloseTimeout: '2m',
  heartbeatTimeout: '10s',
  retry: { initialInterval: '1s', maximumInterval: '30s' },
});

/**
 * Plans the next page. Whether a second activity follows depends on the first one's result, so histories from
 * before there was a second one replay without a patch.
 */
async function planPage(eventId: string, after: string | undefined): Promise<DeliveryPlan> {
  const plan = await planDeliveries(eventId, after);
  if (plan.filtersOf === undefined) return plan;
  return planFilteredDeliveries(eventId, plan.filtersOf, after);
}

/**
 * Starts one delivery workflow per subscribed webhook of an accepted event. Returns when all have
 * started; they outlive it.
 * @param afterWebhookId where an earlier run of this fan-out stopped
 */
export async function fanOutEvent(eventId: string, afterWebhookId?: string): Promise<void> {
  let after = afterWebhookId;
  for (let started = 0; started < CHILDREN_PER_RUN;) {
    const plan = await planPage(eventId, after);
    await Promise.all(plan.deliveries.map(startDelivery));
    started += plan.deliveries.length;
    if (plan.next === undefined) {
      if (!plan.isMarked) await markFannedOut(eventId);
      return;
    }
    after = plan.next;
  }
  await continueAsNew<typeof fanOutEvent>(eventId, after);
}

async function startDelivery({ summary, ...input }: PlannedDelivery): Promise<void> {
  try {
    await startChild(deliverWebhook, {
      workflowId: deliveryWorkflowId(input.deliveryId),
      // A fan-out that runs again (reset, reconcile) finds its children started: nothing is duplicated.
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      cancellationType: ChildWorkflowCancellationType.ABANDON,
      args: [input],
      staticSummary: summary,
      typedSearchAttributes: deliverySearchAttributes(input),
      priority: priorityOf(input, 'live'),
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
