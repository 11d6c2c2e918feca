import type { z } from 'zod';
import { StartError } from '../start-error';
import { settings } from './settings';

export const ROLES = ['api', 'worker', 'all', 'setup', 'rotate-key'] as const;
export type Role = (typeof ROLES)[number];
export type Config = ReturnType<typeof loadConfig>;

/** Everything wrong with the environment, one per line. */
export class ConfigError extends StartError {
  override name = 'ConfigError';

  constructor(readonly problems: readonly string[]) {
    const [first, ...more] = problems;
    super(
      more.length === 0
        ? `Posthorn can't start: ${first}`
        : `Posthorn can't start. These settings are wrong:\n${problems.map((p) => `  - ${p}`).join('\n')}`,
    );
  }
}

type Settings = z.infer<typeof settings>;

const requiredBy: Record<Role, readonly (keyof Settings)[]> = {
  api: ['POSTHORN_ADMIN_KEY', 'POSTHORN_ENCRYPTION_KEY'],
  worker: ['POSTHORN_ENCRYPTION_KEY'],
  all: ['POSTHORN_ADMIN_KEY', 'POSTHORN_ENCRYPTION_KEY'],
  setup: [],
  'rotate-key': ['POSTHORN_ENCRYPTION_KEY'],
};

/**
 * The configuration of one process. An empty variable counts as unset.
 * @throws ConfigError naming every wrong or missing setting, never a value
 */
export function loadConfig(role: Role, environment: NodeJS.ProcessEnv = process.env) {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = settings.safeParse(given);
  const problems = parsed.success
    ? []
    : parsed.error.issues.map(({ path, message }) => {
        const name = String(path[0]);
        return given[name] === undefined ? `${name} is required` : `${name}: ${message}`;
      });
  for (const name of requiredBy[role]) {
    if (given[name] === undefined) problems.push(`${name} is required by the role ${role}`);
  }
  if (given.SMTP_URL !== undefined && given.MAIL_FROM === undefined) {
    problems.push('MAIL_FROM is required with SMTP_URL');
  }
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  const s = parsed.data;
  return Object.freeze({
    role,
    development: s.POSTHORN_ENV === 'development',
    host: s.HOST,
    port: s.PORT,
    /** Without a slash at its end. */
    publicUrl: s.POSTHORN_PUBLIC_URL,
    mongodbUrl: s.MONGODB_URL,
    temporal: Object.freeze({
      address: s.TEMPORAL_ADDRESS,
      namespace: s.TEMPORAL_NAMESPACE,
      tls: s.TEMPORAL_TLS,
      apiKey: s.TEMPORAL_API_KEY,
      uiUrl: s.TEMPORAL_UI_URL?.replace(/\/+$/, ''),
      retentionDays: s.TEMPORAL_RETENTION_DAYS,
    }),
    /** Empty only where the role doesn't need it. */
    adminKey: s.POSTHORN_ADMIN_KEY ?? '',
    encryptionKey: s.POSTHORN_ENCRYPTION_KEY ?? Buffer.alloc(0),
    formerEncryptionKeys: Object.freeze(s.POSTHORN_FORMER_ENCRYPTION_KEYS),
    allowedCidrs: Object.freeze(s.POSTHORN_ALLOWED_CIDRS),
    egressProxy: s.POSTHORN_EGRESS_PROXY,
    retentionDays: s.POSTHORN_RETENTION_DAYS,
    dispatch: s.POSTHORN_DISPATCH,
    autoWorkflowsPerSecond: s.POSTHORN_AUTO_WORKFLOWS_PER_SECOND,
    rateLimitPerMinute: s.POSTHORN_RATE_LIMIT_PER_MINUTE,
    projectRateLimitPerMinute:
      s.POSTHORN_PROJECT_RATE_LIMIT_PER_MINUTE ?? 2 * s.POSTHORN_RATE_LIMIT_PER_MINUTE,
    maxKeysPerProject: s.POSTHORN_MAX_KEYS_PER_PROJECT,
    maxRequestsUnderWay: s.POSTHORN_MAX_REQUESTS_UNDER_WAY,
    maxHeldMib: s.POSTHORN_MAX_HELD_MIB,
    sendTimeoutSeconds: s.POSTHORN_SEND_TIMEOUT_SECONDS,
    wrongKeysPerMinute: s.POSTHORN_WRONG_KEYS_PER_MINUTE,
    cpuSecondsPerMinute: s.POSTHORN_CPU_SECONDS_PER_MINUTE,
    trustedProxies: s.POSTHORN_TRUSTED_PROXIES,
    keepAliveSeconds: s.API_KEEP_ALIVE_SECONDS,
    shutdownDelaySeconds: s.API_SHUTDOWN_DELAY_SECONDS,
    maxAttempts: s.WORKER_MAX_ATTEMPTS,
    maxAttemptsPerWebhook: s.WORKER_MAX_ATTEMPTS_PER_WEBHOOK,
    // How owners are notified by mail.
    ...(s.SMTP_URL !== undefined && {
      mail: Object.freeze({ smtpUrl: s.SMTP_URL, from: s.MAIL_FROM! }),
    }),
    metricsAddress: s.METRICS_ADDRESS,
    temporalMetricsAddress: s.TEMPORAL_METRICS_ADDRESS,
    logLevel: s.LOG_LEVEL,
  });
}
