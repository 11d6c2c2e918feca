import { isIP } from 'node:net';
import { z } from 'zod';
import { DISPATCHES } from '../contracts/delivery';
import { problemOfMongodbUrl } from './mongodb-url';

const MAX_PORT = 65_535;
const isPort = (digits = '0'): boolean => Number(digits) >= 1 && Number(digits) <= MAX_PORT;

/** A whole number in decimal digits; `1e3`, `0x10` and ` 8` are mistakes. */
function whole(min: number, max: number): z.ZodType<number, string> {
  const error = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,10}$/, error)
    .transform(Number)
    .pipe(z.number().min(min, error).max(max, error));
}
const port = whole(1, MAX_PORT);
const days = whole(1, 36_500);
const perMinute = whole(1, 1_000_000_000);
const places = whole(1, 10_000);
const ADDRESS = /^(\[[\da-f:.]+\]|[^\s/:@[\]?#]+):(\d{1,5})$/i;
const address = z
  .string()
  .refine(
    (text) => isPort(ADDRESS.exec(text)?.[2]) && URL.canParse(`http://${text}`),
    'must be host:port, such as 127.0.0.1:7233, without scheme',
  );
// Temporal's SDK looks up no names.
const ipAddress = z.string().refine((text) => {
  const [, host = '', digits] = ADDRESS.exec(text) ?? [];
  return isPort(digits) && isIP(host.replace(/^\[|\]$/g, '')) !== 0;
}, 'must be an IP address and a port, such as 127.0.0.1:9465, without scheme');
const flag = z
  .enum(['true', 'false'], 'must be true or false')
  .transform((value) => value === 'true');
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter(Boolean),
);
const cidr = z.union(
  [z.cidrv4(), z.cidrv6()],
  'must be networks in CIDR notation, such as 10.1.0.0/16',
);
// Node's decoder skips what isn't base64, so it would accept a truncated or mistyped key.
const encryptionKey = z
  .string()
  .regex(/^[\w+/-]{43}=?$/, 'must be 32 bytes in base64 (openssl rand -base64 32)')
  .transform((value) => Buffer.from(value, 'base64'));
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' });
/** Whether user and password can be decoded: a raw `%` can't. */
function hasReadableLogin(url: string): boolean {
  const { username, password } = new URL(url);
  try {
    decodeURIComponent(`${username}:${password}`);
    return true;
  } catch {
    return false;
  }
}
const proxyUrl = z
  .string()
  .refine(
    (text) =>
      /^https?:\/\/(?:[^\s/?#@]*@)?[^\s/?#@]+\/?$/i.test(text) &&
      URL.canParse(text) &&
      hasReadableLogin(text),
    'must be an address such as http://user:password@proxy.example:3128, http or https, special characters of user and password as %40',
  );
// Without what browsers would send on, or links could not carry; and repeating nothing of what was given.
const publicUrl = z
  .string()
  .refine(
    (text) => /^https?:\/\/[^\s/?#@\\]+(?:\/[\w~-][\w.~-]*)*\/?$/i.test(text) && URL.canParse(text),
    'must be the address at which browsers reach Posthorn, such as https://posthorn.example.com or https://example.com/posthorn: http or https, without user, query and fragment',
  )
  .transform((text) => new URL(text).href.replace(/\/$/, ''));
const levels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/**
 * Every setting of Posthorn, read from the environment: its format, default, and meaning with unit.
 * `docs/configuration.md` is generated from these, and `.env.example` repeats them; tests compare them.
 */
export const settings = z.object({
  POSTHORN_ENV: z
    .enum(['production', 'development'], 'must be production or development')
    .default('production')
    .describe('`development` lets webhooks reach loopback addresses over http'),
  HOST: z
    .string()
    .refine(
      (text) => isIP(text) !== 0 || /^[^\s/:@[\]]+$/.test(text),
      'must be an address of this machine, such as 0.0.0.0, without scheme, brackets and port',
    )
    .default('127.0.0.1')
    .describe('address the API listens on'),
  PORT: port.default(8080).describe('port the API listens on'),
  POSTHORN_PUBLIC_URL: publicUrl
    .optional()
    .describe('public base URL, used in every link; default: the address of each request'),
  MONGODB_URL: z
    .string()
    .superRefine((url, context) => {
      const problem = problemOfMongodbUrl(url);
      if (problem !== null) context.addIssue(problem);
    })
    .describe('MongoDB replica set, with the database name; required'),
  TEMPORAL_ADDRESS: address.default('127.0.0.1:7233').describe("host:port of Temporal's frontend"),
  TEMPORAL_NAMESPACE: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be a name in printable ASCII without spaces')
    .default('default')
    .describe('Temporal namespace, used by this Posthorn alone'),
  TEMPORAL_TLS: flag.default(false).describe('`true` to use TLS with Temporal'),
  TEMPORAL_API_KEY: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces')
    .optional()
    .describe('key for Temporal Cloud; needs TLS'),
  TEMPORAL_UI_URL: httpUrl
    .optional()
    .describe('address of the Temporal Web UI, for the links in deliveries'),
  TEMPORAL_RETENTION_DAYS: days
    .default(30)
    .describe('days that Temporal keeps finished workflows; applied by `setup`'),
  POSTHORN_ADMIN_KEY: z
    .string()
    .regex(
      /^(?!php_)[\x21-\x7e]*$/,
      'must be printable ASCII without spaces, not starting with php_, the prefix of portal tokens',
    )
    .min(24, 'must have at least 24 characters')
    .optional()
    .describe('random key for all projects; required by the API'),
  POSTHORN_ENCRYPTION_KEY: encryptionKey
    .optional()
    .describe('encrypts webhook secrets at rest, 32 bytes in base64; required except by `setup`'),
  POSTHORN_FORMER_ENCRYPTION_KEYS: list
    .pipe(z.array(encryptionKey))
    .default([])
    .describe(
      'comma-separated former keys, which still decrypt what they encrypted; see `rotate-key`',
    ),
  POSTHORN_ALLOWED_CIDRS: list
    .pipe(z.array(cidr))
    .default([])
    .describe('comma-separated private networks that webhooks may reach'),
  POSTHORN_EGRESS_PROXY: proxyUrl
    .optional()
    .describe('HTTP proxy through which webhooks are delivered (CONNECT)'),
  POSTHORN_RETENTION_DAYS: days.default(30).describe('days that events and deliveries are kept'),
  POSTHORN_DISPATCH: z
    .enum(DISPATCHES, 'must be workflow, auto or express')
    .default('auto')
    .describe(
      'how events are processed unless their project sets its own: `workflow`, `auto` or `express`',
    ),
  POSTHORN_AUTO_WORKFLOWS_PER_SECOND: whole(1, 10_000)
    .default(5)
    .describe(
      'deliveries a second, evenly spaced, for which `auto` uses workflows, shared by all projects of an API process; all others go to couriers',
    ),
  POSTHORN_RATE_LIMIT_PER_MINUTE: perMinute
    .default(6000)
    .describe('requests a minute for each API key, counted per API process'),
  POSTHORN_PROJECT_RATE_LIMIT_PER_MINUTE: perMinute
    .optional()
    .describe('the same for all keys of a project together; default: twice the limit of one key'),
  POSTHORN_MAX_KEYS_PER_PROJECT: whole(1, 100_000)
    .default(200)
    .describe('maximum number of unexpired API keys of a project'),
  POSTHORN_MAX_REQUESTS_UNDER_WAY: whole(1, 100_000)
    .default(300)
    .describe(
      'maximum requests in progress for one key, per API process; for a project, twice as many',
    ),
  POSTHORN_MAX_HELD_MIB: whole(4, 100_000)
    .default(64)
    .describe(
      'MiB of request bodies and unsent responses held for one key; for a project, twice as many',
    ),
  POSTHORN_SEND_TIMEOUT_SECONDS: whole(1, 3600)
    .default(30)
    .describe('seconds after which a client that does not read its response is disconnected'),
  POSTHORN_WRONG_KEYS_PER_MINUTE: perMinute
    .default(60)
    .describe('different unknown keys a minute that one address may try before it has to wait'),
  POSTHORN_CPU_SECONDS_PER_MINUTE: whole(1, 1_000_000)
    .default(30)
    .describe(
      "CPU seconds a minute that each process gives to one project's schemas, filters and large bodies",
    ),
  POSTHORN_TRUSTED_PROXIES: whole(0, 20)
    .default(0)
    .describe('number of proxies in front of the API that add to `X-Forwarded-For`'),
  API_KEEP_ALIVE_SECONDS: whole(1, 3600)
    .default(65)
    .describe('seconds that the API keeps an idle connection: more than the proxy in front of it'),
  API_SHUTDOWN_DELAY_SECONDS: whole(0, 300)
    .default(0)
    .describe(
      'seconds after SIGTERM for which the API still takes requests: until the proxy in front of it sends none',
    ),
  WORKER_MAX_ATTEMPTS: places
    .default(100)
    .describe('attempts that one worker process runs at a time'),
  WORKER_MAX_ATTEMPTS_PER_WEBHOOK: places
    .default(80)
    .describe(
      'maximum attempts at a time to one webhook, per worker: 10 at first, more while its receiver keeps up',
    ),
  SMTP_URL: z
    .string()
    .refine(
      (text) =>
        /^smtps?:\/\/(?:[^\s/?#@]*@)?[^\s/?#@]+(?:[/?][^\s#@]*)?$/.test(text) && URL.canParse(text),
      'must be an address such as smtp://user:password@mail.example:587, special characters as %40',
    )
    .optional()
    .describe('mail server for e-mails to owners of failing webhooks; unset: no e-mails'),
  MAIL_FROM: z
    .string()
    .regex(/^[^\p{Cc}]*[^\s@]+@[^\s@]+$/u, 'must be an address, or a name and an address in <>')
    .optional()
    .describe('sender of these e-mails; required with `SMTP_URL`'),
  METRICS_ADDRESS: address
    .optional()
    .describe('host:port where `/metrics` needs no key, for workers too, such as 127.0.0.1:9464'),
  TEMPORAL_METRICS_ADDRESS: ipAddress
    .optional()
    .describe("IP address and port for the metrics of a worker's Temporal SDK"),
  LOG_LEVEL: z
    .enum(levels, `must be one of ${levels.join(', ')}`)
    .default('info')
    .describe(
      'lowest level logged: `fatal`, `error`, `warn`, `info`, `debug`, `trace`; or `silent`',
    ),
});
