import type { WorkflowHandle } from '@temporalio/client';
import type { PlannedDelivery } from '../../src/contracts/activities';
import type { DeliveryRecord } from '../../src/store/delivery-record';
import type { NewWebhook, WebhookRecord } from '../../src/store/webhook-record';
import {
  cancelSignal,
  pauseSignal,
  resumeSignal,
  retryNowSignal,
  stateQuery,
  type DeliveryPhase,
} from '../../workflows/messages';
import { eventually } from '../support/eventually';
import type { Receiver } from '../support/receiver';
import type { Harness } from './harness';

const ASKING = {
  pause: (handle: WorkflowHandle) => handle.signal(pauseSignal),
  resume: (handle: WorkflowHandle) => handle.signal(resumeSignal),
  retryNow: (handle: WorkflowHandle) => handle.signal(retryNowSignal),
  cancel: (handle: WorkflowHandle) => handle.signal(cancelSignal),
  'Web UI cancel': (handle: WorkflowHandle) => handle.cancel(),
} as const;

/** What a person can ask of a delivery's workflow: its signals, and the Web UI's button. */
export type Request = keyof typeof ASKING;
export const REQUESTS = Object.keys(ASKING) as Request[];
export const CANCELS = ['cancel', 'Web UI cancel'] as const;

/** A delivery whose workflow was started. */
export class Running {
  private constructor(
    private readonly harness: Harness,
    private readonly receiver: Receiver,
    readonly handle: WorkflowHandle,
    readonly planned: PlannedDelivery,
    private readonly webhook: WebhookRecord,
  ) {}

  static async start(
    harness: Harness,
    receiver: Receiver,
    fields: Partial<NewWebhook> = {},
  ): Promise<Running> {
    const { planned, webhook } = await harness.fixture.planned(receiver.url, fields);
    return new Running(harness, receiver, await harness.start(planned), planned, webhook);
  }

  async ask(request: Request): Promise<void> {
    await ASKING[request](this.handle);
  }

  /** Resets it to its first workflow task, as the Web UI does. */
  async reset(): Promise<void> {
    const { client } = this.harness.env;
    const { workflowId } = this.handle;
    const { events } = await this.handle.fetchHistory();
    await client.workflowService.resetWorkflowExecution({
      namespace: client.options.namespace,
      workflowExecution: { workflowId },
      workflowTaskFinishEventId: events!.find(
        ({ workflowTaskCompletedEventAttributes: completed }) => completed,
      )!.eventId!,
      reason: 'again',
      requestId: workflowId,
    });
  }

  /** Once the workflow has acted on all that it was asked before. */
  async phase(): Promise<DeliveryPhase> {
    return (await this.handle.query(stateQuery)).phase;
  }

  async becomes(phase: DeliveryPhase): Promise<void> {
    await eventually(`the delivery is ${phase}`, async () => (await this.phase()) === phase);
  }

  record(): Promise<DeliveryRecord> {
    return this.harness.fixture.delivery(this.planned.deliveryId);
  }

  async expectSucceeded(attempts: number): Promise<void> {
    expect(await this.handle.result()).toBe('succeeded');
    expect(this.receiver.requests).toHaveLength(attempts);
    expect(await this.record()).toMatchObject({ status: 'succeeded', attemptCount: attempts });
  }

  /** Cancelled after so many failed attempts. */
  async expectCancelled(attempts: number): Promise<void> {
    expect(await this.handle.result()).toBe('cancelled');
    expect(this.receiver.requests).toHaveLength(attempts);
    expect(await this.record()).toMatchObject({
      status: 'cancelled',
      attemptCount: attempts,
      nextAttemptAt: null,
      completedAt: expect.any(Date) as Date,
    });
    const { failureCount } = await this.harness.fixture.health(this.webhook);
    expect(failureCount).toBe(attempts);
  }
}
