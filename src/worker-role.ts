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

interface WorkerService {
  /** Rejects when it can't go on. */
  done: Promise<void>;
  /** Lets work in progress finish. */
  stop: () => Promise<void>;
  whyIdle: () => string | null;
}

/** The role `worker`, and half of `all`: loaded by no other. */
export function startWorker({
  config,
  log,
  store,
  engine,
  cipher,
  readiness,
  tenantCpu,
}: Parts): WorkerService {
  installRuntime(log, config.temporalMetricsAddress);
  const { activities, sender } = workerActivities(config, {
    store,
    engine,
    cipher,
    tenantCpu,
    log,
  });
  if (!config.mail)
    log.info('SMTP_URL is not set: owners are not notified of failing webhooks by mail');
  const stopped = new AbortController();
  const worker = runWorker(config, log, activities, readiness.complete, stopped.signal);
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
