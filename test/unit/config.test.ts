import { loadConfig, type Role } from '../../src/config/config';
import { settings } from '../../src/config/settings';
import { problemsOf, required } from '../support/settings';

describe('loadConfig', () => {
  it('fills in the documented defaults', () => {
    expect(loadConfig('all', required)).toEqual({
      role: 'all',
      development: false,
      host: '127.0.0.1',
      port: 8080,
      mongodbUrl: required.MONGODB_URL,
      temporal: {
        address: '127.0.0.1:7233',
        namespace: 'default',
        tls: false,
        retentionDays: 30,
      },
      adminKey: required.POSTHORN_ADMIN_KEY,
      encryptionKey: Buffer.alloc(32, 7),
      formerEncryptionKeys: [],
      allowedCidrs: [],
      retentionDays: 30,
      dispatch: 'auto',
      autoWorkflowsPerSecond: 5,
      rateLimitPerMinute: 6000,
      projectRateLimitPerMinute: 12_000,
      maxKeysPerProject: 200,
      maxRequestsUnderWay: 300,
      maxHeldMib: 64,
      sendTimeoutSeconds: 30,
      wrongKeysPerMinute: 60,
      cpuSecondsPerMinute: 30,
      trustedProxies: 0,
      keepAliveSeconds: 65,
      shutdownDelaySeconds: 0,
      maxAttempts: 100,
      maxAttemptsPerWebhook: 80,
      logLevel: 'info',
    });
  });

  it('reads every setting', () => {
    expect(
      loadConfig('worker', {
        POSTHORN_ENV: 'development',
        HOST: '0.0.0.0',
        PORT: '9000',
        POSTHORN_PUBLIC_URL: 'HTTPS://Example.com:443/posthorn/',
        MONGODB_URL: 'mongodb+srv://db.example/posthorn',
        TEMPORAL_ADDRESS: 'temporal.example:443',
        TEMPORAL_NAMESPACE: 'hooks',
        TEMPORAL_TLS: 'true',
        TEMPORAL_API_KEY: 'cloud-key',
        TEMPORAL_UI_URL: 'https://temporal.example/ui/',
        TEMPORAL_RETENTION_DAYS: '7',
        POSTHORN_ADMIN_KEY: required.POSTHORN_ADMIN_KEY,
        POSTHORN_ENCRYPTION_KEY: required.POSTHORN_ENCRYPTION_KEY,
        POSTHORN_FORMER_ENCRYPTION_KEYS: [8, 9]
          .map((byte) => Buffer.alloc(32, byte).toString('base64'))
          .join(', '),
        POSTHORN_ALLOWED_CIDRS: '10.1.0.0/16, fd00::/8,',
        POSTHORN_EGRESS_PROXY: 'http://proxy.example:3128',
        POSTHORN_RETENTION_DAYS: '90',
        POSTHORN_DISPATCH: 'express',
        POSTHORN_AUTO_WORKFLOWS_PER_SECOND: '20',
        POSTHORN_RATE_LIMIT_PER_MINUTE: '60',
        POSTHORN_PROJECT_RATE_LIMIT_PER_MINUTE: '90',
        POSTHORN_MAX_KEYS_PER_PROJECT: '7',
        POSTHORN_MAX_REQUESTS_UNDER_WAY: '30',
        POSTHORN_MAX_HELD_MIB: '8',
        POSTHORN_SEND_TIMEOUT_SECONDS: '5',
        POSTHORN_WRONG_KEYS_PER_MINUTE: '6',
        POSTHORN_CPU_SECONDS_PER_MINUTE: '12',
        POSTHORN_TRUSTED_PROXIES: '2',
        API_KEEP_ALIVE_SECONDS: '620',
        API_SHUTDOWN_DELAY_SECONDS: '10',
        WORKER_MAX_ATTEMPTS: '5',
        WORKER_MAX_ATTEMPTS_PER_WEBHOOK: '2',
        SMTP_URL: 'smtp://posthorn:pass@mail.example:587',
        MAIL_FROM: 'Posthorn <posthorn@example.com>',
        METRICS_ADDRESS: '127.0.0.1:9464',
        TEMPORAL_METRICS_ADDRESS: '127.0.0.1:9465',
        LOG_LEVEL: 'debug',
      }),
    ).toEqual({
      role: 'worker',
      development: true,
      host: '0.0.0.0',
      port: 9000,
      publicUrl: 'https://example.com/posthorn',
      mongodbUrl: 'mongodb+srv://db.example/posthorn',
      temporal: {
        address: 'temporal.example:443',
        namespace: 'hooks',
        tls: true,
        apiKey: 'cloud-key',
        uiUrl: 'https://temporal.example/ui',
        retentionDays: 7,
      },
      adminKey: required.POSTHORN_ADMIN_KEY,
      encryptionKey: Buffer.alloc(32, 7),
      formerEncryptionKeys: [Buffer.alloc(32, 8), Buffer.alloc(32, 9)],
      allowedCidrs: ['10.1.0.0/16', 'fd00::/8'],
      egressProxy: 'http://proxy.example:3128',
      retentionDays: 90,
      dispatch: 'express',
      autoWorkflowsPerSecond: 20,
      rateLimitPerMinute: 60,
      projectRateLimitPerMinute: 90,
      maxKeysPerProject: 7,
      maxRequestsUnderWay: 30,
      maxHeldMib: 8,
      sendTimeoutSeconds: 5,
      wrongKeysPerMinute: 6,
      cpuSecondsPerMinute: 12,
      trustedProxies: 2,
      keepAliveSeconds: 620,
      shutdownDelaySeconds: 10,
      maxAttempts: 5,
      maxAttemptsPerWebhook: 2,
      mail: {
        smtpUrl: 'smtp://posthorn:pass@mail.example:587',
        from: 'Posthorn <posthorn@example.com>',
      },
      metricsAddress: '127.0.0.1:9464',
      temporalMetricsAddress: '127.0.0.1:9465',
      logLevel: 'debug',
    });
  });

  it('returns a configuration that can not be changed', () => {
    const config = loadConfig('all', required);
    expect([config, config.temporal, config.allowedCidrs].every(Object.isFrozen)).toBe(true);
  });

  it('counts an empty variable as unset', () => {
    const empty = Object.fromEntries(Object.keys(settings.shape).map((name) => [name, '']));
    expect(loadConfig('all', { ...empty, ...required })).toEqual(loadConfig('all', required));
  });

  it('ignores variables that are not its own', () => {
    const environment = { ...required, PATH: '/bin', POSTHORN_PORT: 'no port' };
    expect(loadConfig('all', environment)).toEqual(loadConfig('all', required));
  });

  it.each([
    ['POSTHORN_ENV', ['staging', 'Production']],
    ['HOST', ['http://0.0.0.0', '0.0.0.0:8080', '[::]', 'my host', 'host/path']],
    ['PORT', ['0', '65536', '80.5', 'http', '-1', '0x1F90', '1e3', ' 8080', '+80']],
    [
      'MONGODB_URL',
      [
        '127.0.0.1:27017',
        'postgres://127.0.0.1/posthorn',
        'mongodb://',
        'mongodb://a b/c',
        'mongodb://127.0.0.1:27017',
        'mongodb://127.0.0.1:27017/?replicaSet=rs0',
        'mongodb+srv://db.example/?retryWrites=true',
        'mongodb://user:p/ss@db/posthorn',
        'mongodb://127.0.0.1/post.horn',
        `mongodb://127.0.0.1/${'x'.repeat(64)}`,
        ...['w=1', 'w=0', 'W=2', 'journal=false', 'wtimeoutMS=100', 'retryWrites=false'].map(
          (option) => `mongodb://127.0.0.1/posthorn?${option}`,
        ),
        ...['readPreference=secondary', 'readConcernLevel=available', 'replicaset', 'foo=1'].map(
          (option) => `mongodb://127.0.0.1/posthorn?${option}`,
        ),
      ],
    ],
    [
      'TEMPORAL_ADDRESS',
      [
        '127.0.0.1',
        'https://temporal.example:7233',
        'temporal:',
        'temporal:0',
        ':7233',
        'temporal:65536',
        'user:pass@temporal:7233',
        '::1:7233',
        '<temporal>:7233',
        'te^mporal:7233',
        'tempor%al:7233',
        'temporal?:7233',
        '127.0.0.300:7233',
        '[:::]:7233',
      ],
    ],
    [
      'POSTHORN_PUBLIC_URL',
      [
        'posthorn.example.com',
        'ftp://posthorn.example.com',
        'https://',
        'https://user:pass@posthorn.example.com',
        'https://posthorn.example.com?',
        'https://posthorn.example.com/?x=1',
        'https://posthorn.example.com/#',
        'https://posthorn.example.com/a//b',
        'https://posthorn.example.com/../b',
        'https://posthorn.example.com/a%2fb',
        'https://posthorn.example.com/a b',
        'https://posthorn.example.com\\a',
        'https://posthorn.example.com:99999',
      ],
    ],
    ['TEMPORAL_NAMESPACE', ['my namespace', ' ', 'ü']],
    ['TEMPORAL_API_KEY', ['two words', 'schlüssel']],
    ['TEMPORAL_TLS', ['yes', '1', 'TRUE']],
    ['TEMPORAL_UI_URL', ['temporal.example', 'ftp://temporal.example']],
    ['TEMPORAL_RETENTION_DAYS', ['0', '1.5', 'forever', '36501', '9'.repeat(30)]],
    ['POSTHORN_ADMIN_KEY', ['short', 'twenty four characters or more', `${'x'.repeat(24)}é`]],
    [
      'POSTHORN_ENCRYPTION_KEY',
      [
        'short',
        Buffer.alloc(31).toString('base64'),
        Buffer.alloc(33).toString('base64'),
        `${Buffer.alloc(32).toString('base64')}!`,
        `*${Buffer.alloc(32).toString('base64')}`,
      ],
    ],
    [
      'POSTHORN_FORMER_ENCRYPTION_KEYS',
      ['short', `${Buffer.alloc(32).toString('base64')},${Buffer.alloc(31).toString('base64')}`],
    ],
    ['POSTHORN_ALLOWED_CIDRS', ['10.0.0.1', '10.0.0.0/33', 'example.com', '10.0.0.0/8;fd00::/8']],
    [
      'POSTHORN_EGRESS_PROXY',
      [
        'proxy.example:3128',
        'socks5://proxy.example:1080',
        'http:proxy.example',
        'http://user:50%off@proxy.example:3128',
        'http://50%:pass@proxy.example:3128',
        'http://user:1/2@proxy.example:3128',
        'http://user:1?2@proxy.example:3128',
        'http://user:1#2@proxy.example:3128',
        'http://user:p@ss@proxy.example:3128',
      ],
    ],
    ['POSTHORN_RETENTION_DAYS', ['0', '-3', 'week']],
    ['POSTHORN_DISPATCH', ['Express', 'both']],
    ['POSTHORN_AUTO_WORKFLOWS_PER_SECOND', ['0', 'many']],
    ['POSTHORN_RATE_LIMIT_PER_MINUTE', ['0', 'none']],
    ['POSTHORN_PROJECT_RATE_LIMIT_PER_MINUTE', ['0', 'none']],
    ['POSTHORN_MAX_KEYS_PER_PROJECT', ['0', 'none']],
    ['POSTHORN_MAX_REQUESTS_UNDER_WAY', ['0', 'none']],
    ['POSTHORN_MAX_HELD_MIB', ['0', 'none']],
    ['POSTHORN_SEND_TIMEOUT_SECONDS', ['0', 'none']],
    ['POSTHORN_WRONG_KEYS_PER_MINUTE', ['0', 'none']],
    ['POSTHORN_CPU_SECONDS_PER_MINUTE', ['0', '1.5', 'all']],
    ['POSTHORN_TRUSTED_PROXIES', ['-1', '21', 'true', '10.0.0.0/8']],
    ['API_KEEP_ALIVE_SECONDS', ['0', '3601', '65s']],
    ['API_SHUTDOWN_DELAY_SECONDS', ['-1', '301', '10s']],
    ['WORKER_MAX_ATTEMPTS', ['0', '2.5', '10001']],
    ['WORKER_MAX_ATTEMPTS_PER_WEBHOOK', ['0', 'all']],
    [
      'SMTP_URL',
      [
        'mail.example:25',
        'https://mail.example',
        'smtp://',
        'smtp://mail:99999',
        'smtp://?x',
        'smtp://user:1/2@mail.example',
      ],
    ],
    [
      'METRICS_ADDRESS',
      [
        '9464',
        ':9464',
        'http://127.0.0.1:9464',
        '127.0.0.1:99999',
        '127.0.0.300:9464',
        '<ip>:9464',
        '%:9464',
      ],
    ],
    [
      'TEMPORAL_METRICS_ADDRESS',
      ['9465', '127.0.0.1:x', 'localhost:9465', '0.0.0.300:9465', '[:::]:9465'],
    ],
    ['MAIL_FROM', ['posthorn', 'a@b@', 'Posthorn\r\nBcc: x@example.com']],
    ['LOG_LEVEL', ['verbose', 'INFO']],
  ])('refuses a wrong %s by its name', (name, values) => {
    for (const value of values) {
      const environment = { ...required, MAIL_FROM: 'posthorn@example.com', [name]: value };
      expect(problemsOf(environment)).toEqual([expect.stringMatching(new RegExp(`^${name}: \\S`))]);
    }
  });

  it.each([
    ['api', ['MONGODB_URL', 'POSTHORN_ADMIN_KEY', 'POSTHORN_ENCRYPTION_KEY']],
    ['worker', ['MONGODB_URL', 'POSTHORN_ENCRYPTION_KEY']],
    ['all', ['MONGODB_URL', 'POSTHORN_ADMIN_KEY', 'POSTHORN_ENCRYPTION_KEY']],
    ['setup', ['MONGODB_URL']],
    ['rotate-key', ['MONGODB_URL', 'POSTHORN_ENCRYPTION_KEY']],
  ] satisfies [Role, string[]][])('requires of the role %s only what it needs', (role, names) => {
    expect(problemsOf({}, role).map((problem) => problem.split(' ')[0])).toEqual(names);
    const needed = Object.entries(required).filter(([name]) => names.includes(name));
    expect(problemsOf(Object.fromEntries(needed), role)).toEqual([]);
  });

  it.each([
    ['MONGODB_URL', 'mongodb+srv://u:p%40ss@db.example/posthorn?retryWrites=true&w=majority'],
    [
      'MONGODB_URL',
      'mongodb://a:1,b:2/posthorn?replicaSet=rs0&readPreference=primary&journal=true',
    ],
    ['POSTHORN_EGRESS_PROXY', 'https://us%40er:50%25off@proxy.example:3128/'],
    ['POSTHORN_EGRESS_PROXY', 'http://[::1]:3128'],
    ['SMTP_URL', 'smtps://user:50%25off@mail.example:465/?name=posthorn.example'],
    ['HOST', '::'],
    ['HOST', 'posthorn.internal'],
    ['TEMPORAL_ADDRESS', '[::1]:7233'],
    ['METRICS_ADDRESS', 'localhost:80'],
    ['TEMPORAL_METRICS_ADDRESS', '[::1]:9465'],
    ['TEMPORAL_ADDRESS', 'my_temporal:7233'],
    ['POSTHORN_ENCRYPTION_KEY', Buffer.alloc(32, 255).toString('base64url')],
  ])('takes %s=%s', (name, value) => {
    expect(problemsOf({ MAIL_FROM: 'a@b.example', ...required, [name]: value })).toEqual([]);
  });

  it('requires a sender where mails are sent', () => {
    expect(problemsOf({ ...required, SMTP_URL: 'smtp://mail.example' })).toEqual([
      'MAIL_FROM is required with SMTP_URL',
    ]);
  });

  it('reports all problems together', () => {
    const environment = { PORT: 'http', TEMPORAL_TLS: 'yes', LOG_LEVEL: 'loud' };
    const problems = problemsOf(environment);
    expect(problems.map((problem) => problem.split(/[ :]/)[0])).toEqual([
      'PORT',
      'MONGODB_URL',
      'TEMPORAL_TLS',
      'LOG_LEVEL',
      'POSTHORN_ADMIN_KEY',
      'POSTHORN_ENCRYPTION_KEY',
    ]);
    expect(() => loadConfig('all', environment)).toThrow(
      problems.map((problem) => `  - ${problem}`).join('\n'),
    );
  });

  it('never repeats a value: it may be a secret in the wrong place', () => {
    const leak = 'gw7Rq secret';
    for (const name of Object.keys(settings.shape)) {
      const problems = problemsOf({ ...required, [name]: leak });
      expect(problems).not.toHaveLength(0);
      expect(problems.join()).not.toContain('gw7Rq');
    }
  });
});
