import type { Logger } from 'pino';
import type { Dispatch } from '../src/contracts/delivery';
import type { HttpSender } from '../src/delivery/http';
import type { Mailer } from '../src/mail/mailer';
import type { Cipher } from '../src/store/cipher';
import type { Store } from '../src/store/store';
import type { Engine } from '../src/temporal/engine';
import type { TenantCpu } from '../src/tenant-cpu/tenant-cpu';

/** What activities ask of Temporal. */
export type ActivityEngine = Pick<
  Engine,
  | 'startFanOut'
  | 'startReplay'
  | 'wakeCourier'
  | 'findRun'
  | 'listRunning'
  | 'isFailing'
  | 'state'
  | 'signalDelivery'
  | 'isUnderWay'
  | 'runAgain'
>;

/** What the activities are made from. */
export interface ActivityDependencies {
  store: Store;
  cipher: Cipher;
  sender: HttpSender;
  engine: ActivityEngine;
  /** null: no mail is sent, nor written down to be. */
  mailer: Mailer | null;
  tenantCpu: TenantCpu;
  log: Logger;
  /** Attempts that this worker runs at a time, and those of them that one webhook may have. */
  maxAttempts: number;
  maxAttemptsPerWebhook: number;
  /** How long deliveries are kept, in days. */
  retentionDays: number;
  /** How events are driven where their project says nothing. */
  dispatch: Dispatch;
  /** Sent as `User-Agent: Posthorn/<version>`. */
  version: string;
}
