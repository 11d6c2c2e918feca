import { createActivities } from '../activities';
import type { ActivityDependencies } from '../activities/dependencies';
import type { Config } from './config/config';
import type { Activities } from './contracts/activities';
import { AddressGuard } from './delivery/address-guard';
import { HttpSender } from './delivery/http';
import { Mailer } from './mail/mailer';
import { CourierCalls } from './temporal/courier-calls';
import { VERSION } from './version';

/**
 * The activities of a worker with these settings.
 * @returns also their sender, to be closed when the last attempt has ended
 */
export function workerActivities(
  config: Config,
  parts: Pick<ActivityDependencies, 'store' | 'engine' | 'cipher' | 'tenantCpu' | 'log'>,
): { activities: Activities; sender: HttpSender } {
  const { development, allowedCidrs, egressProxy, mail, maxAttempts } = config;
  const sender = new HttpSender({
    guard: new AddressGuard({ allowLoopback: development, allowedCidrs: [...allowedCidrs] }),
    proxy: egressProxy,
    // Couriers and workflows have places of their own. None waits for a connection: the agent would make it with the
    // options of the request whose connection was closed.
    maxConnectionsPerOrigin: 2 * maxAttempts,
  });
  const activities = createActivities({
    ...parts,
    couriers: new CourierCalls(parts.engine, parts.store.couriers, parts.log),
    sender,
    mailer: mail ? new Mailer(mail.smtpUrl, mail.from) : null,
    maxAttempts,
    maxAttemptsPerWebhook: config.maxAttemptsPerWebhook,
    version: VERSION,
  });
  return { activities, sender };
}
