import type { Logger } from 'pino';
import type { Config } from './config/config';
import type { HttpSender } from './delivery/http';
import type { Readiness } from './readiness';
import type { Cipher } from './store/cipher';
import type { Store } from './store/store';
import type { Engine } from './temporal/engine';
import { installRuntime } from './temporal/runtime';
import { runWorker } from './temporal/worker';
import type { TenantCpu } from './tenant-cpu/tenant-cpu';
import { workerActivities } from './worker-activities';

/** What a process has by then, whatever its role. */
export interface Parts {
  config: Config;
  log: Logger;
  store: Store;
  engine: Engine;
  cipher: Cipher;
  readiness: Readiness;
  tenantCpu: TenantCpu;
}

/** Something that runs until it is stopped. */
export interface Service {
  /** Rejects when it can't go on. */
  done: Promise<void>;
  /** Lets work in progress finish. */
  stop: () => Promise<void>;
}

interface WorkerService extends Service {
  whyIdle: () => string | null;
}

/** The role `worker`, and half of `all`: loaded by no other. */
export function startWorker({ config, readiness, ...parts }: Parts): WorkerService {
  const { log } = parts;
  installRuntime(log, config.temporalMetricsAddress);
  const { activities, sender } = workerActivities(config, parts);
  if (!config.mail)
    log.info('SMTP_URL is not set: owners are not notified of failing webhooks by mail');
  const stopped = new AbortController();
  const worker = runWorker(config, log, activities, readiness, stopped.signal);
  const done = working(worker.done, sender);
  return {
    done,
    whyIdle: worker.whyIdle,
    stop: async () => {
      stopped.abort();
      await done;
    },
  };
}

async function working(running: Promise<void>, sender: HttpSender): Promise<void> {
  try {
    await running;
  } finally {
    await sender.close();
  }
}
