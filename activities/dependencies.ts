import type { Logger } from 'pino';
import type { HttpSender } from '../src/delivery/http';
import type { Mailer } from '../src/mail/mailer';
import type { Cipher } from '../src/store/cipher';
import type { Store } from '../src/store/store';
import type { CourierCalls } from '../src/temporal/courier-calls';
import type { Engine } from '../src/temporal/engine';
import type { TenantCpu } from '../src/tenant-cpu/tenant-cpu';

/** What activities need of Temporal. */
export type ActivityEngine = Pick<
  Engine,
  | 'startFanOut'
  | 'startReplay'
  | 'wakeCourier'
  | 'findRun'
  | 'activityOf'
  | 'listRunning'
  | 'find'
  | 'state'
  | 'signalDelivery'
  | 'isUnderWay'
  | 'isOwnReset'
  | 'runAgain'
>;

export interface ActivityDependencies {
  store: Store;
  cipher: Cipher;
  sender: HttpSender;
  engine: ActivityEngine;
  couriers: CourierCalls;
  /** null: mails are neither written nor sent. */
  mailer: Mailer | null;
  tenantCpu: TenantCpu;
  log: Logger;
  /** Attempts that this worker runs at a time, and the maximum for one webhook. */
  maxAttempts: number;
  maxAttemptsPerWebhook: number;
  /** Sent as `User-Agent: Posthorn/<version>`. */
  version: string;
}
