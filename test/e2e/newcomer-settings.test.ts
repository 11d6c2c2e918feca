import type { settings } from '../../src/config/settings';
import { firstComplaint, type Complaint } from '../support/first-complaint';
import { testEnvironment } from '../support/stack';
import { MAIN, startupMessages } from '../support/startup-messages';

const { documented, told, alsoTells, expectAllTold } = startupMessages('Settings');

describe('a setting', () => {
  const wrong: Record<keyof typeof settings.shape, string> = {
    POSTHORN_ENV: 'staging',
    HOST: 'http://0.0.0.0:8080',
    PORT: 'http',
    POSTHORN_PUBLIC_URL: 'https://user:password@posthorn.example.com',
    MONGODB_URL: 'mongodb://127.0.0.1:27017',
    TEMPORAL_ADDRESS: 'https://127.0.0.1:7233',
    TEMPORAL_NAMESPACE: 'post horn',
    TEMPORAL_TLS: 'yes',
    TEMPORAL_API_KEY: 'a key',
    TEMPORAL_UI_URL: 'temporal.example',
    TEMPORAL_RETENTION_DAYS: '0',
    POSTHORN_ADMIN_KEY: 'short',
    POSTHORN_ENCRYPTION_KEY: 'short',
    POSTHORN_FORMER_ENCRYPTION_KEYS: 'short',
    POSTHORN_ALLOWED_CIDRS: '10.1.0.0',
    POSTHORN_EGRESS_PROXY: 'proxy.example:3128',
    POSTHORN_RETENTION_DAYS: 'week',
    POSTHORN_DISPATCH: 'fast',
    POSTHORN_AUTO_WORKFLOWS_PER_SECOND: '0',
    POSTHORN_RATE_LIMIT_PER_MINUTE: '0',
    POSTHORN_PROJECT_RATE_LIMIT_PER_MINUTE: '0',
    POSTHORN_MAX_KEYS_PER_PROJECT: '0',
    POSTHORN_MAX_REQUESTS_UNDER_WAY: '0',
    POSTHORN_MAX_HELD_MIB: '0',
    POSTHORN_SEND_TIMEOUT_SECONDS: '0',
    POSTHORN_WRONG_KEYS_PER_MINUTE: '0',
    POSTHORN_CPU_SECONDS_PER_MINUTE: '0',
    POSTHORN_TRUSTED_PROXIES: 'true',
    API_KEEP_ALIVE_SECONDS: '0',
    API_SHUTDOWN_DELAY_SECONDS: '301',
    WORKER_MAX_ATTEMPTS: '0',
    WORKER_MAX_ATTEMPTS_PER_WEBHOOK: '1e3',
    SMTP_URL: 'mail.example:25',
    MAIL_FROM: 'posthorn',
    METRICS_ADDRESS: '9464',
    TEMPORAL_METRICS_ADDRESS: '127.0.0.1:99999',
    LOG_LEVEL: 'verbose',
  };
  let listed: Complaint;
  // All at once: a process that is told of many wrong settings lists what it says of each.
  beforeAll(async () => {
    listed = await firstComplaint([MAIN, 'all'], { ...testEnvironment(), ...wrong });
  });
  it.each(Object.entries(wrong))('`%s=%s`, all', (setting, value) => {
    const name = `\`${setting}=${value}\`, all`;
    told.add(name);
    const { text, outcome } = documented.get(name)!;
    const [heading, ...lines] = listed.text.split('\n');
    expect(heading).toBe("Posthorn can't start. These settings are wrong:");
    expect(lines).toContain(text.replace(/^Posthorn can't start: /, '  - '));
    expect(lines).toHaveLength(Object.keys(wrong).length);
    expect(listed.outcome).toBe(outcome);
  });
  alsoTells('`MONGODB_URL` with `w=1`', 'all', () => ({
    environment: { MONGODB_URL: 'mongodb://127.0.0.1:27017/posthorn?replicaSet=rs0&w=1' },
  }));
});

it('docs/proof/startup-messages.md lists these, and nothing else', expectAllTold);
