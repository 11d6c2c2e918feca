import { ATTEMPT_ERROR_CODES } from '../../../src/contracts/delivery';
import { healthOf as healthFor, type HealthSigns } from '../../../src/domain/webhook-health';

const healthOf = (webhook: HealthSigns) => healthFor(webhook, 'platform');

describe('a webhook’s health', () => {
  const at = new Date('2026-10-01T09:30:00Z');
  const healthy: HealthSigns = {
    _id: 'wh_1',
    isActive: true,
    isPaused: false,
    disabledReason: null,
    failureCount: 0,
    lastStatus: 200,
    lastFailedAt: at,
    lastSuccessAt: null,
  };

  it('is healthy without a reason, also after failures of the past', () => {
    expect(healthOf(healthy)).toEqual({ state: 'healthy' });
  });

  it('tells of several states the one that keeps most from it', () => {
    const failing = { ...healthy, failureCount: 3, lastStatus: 500, failingSince: at };
    expect(healthOf(failing)).toMatchObject({ state: 'failing', since: at });
    const paused = { ...failing, isPaused: true };
    expect(healthOf(paused)).toMatchObject({ state: 'paused' });
    const disabled = { ...paused, isActive: false, disabledReason: 'manual' as const };
    expect(healthOf({ ...disabled, disabledAt: at })).toEqual({
      state: 'disabled',
      since: at,
      reason: 'it was disabled by a request',
      remedy:
        'PATCH /v1/webhooks/wh_1 {"isActive": true}; its answer says how to replay what was skipped',
    });
  });

  it('knows since when it fails after one failure, even if an earlier version counted it', () => {
    const once = { ...healthy, failureCount: 1, lastStatus: 'timeout' };
    expect(healthOf(once)).toMatchObject({
      since: at,
      reason: 'the last attempt failed with timeout',
    });
    expect(healthOf({ ...once, failureCount: 2 })).not.toHaveProperty('since');
    // As an earlier version leaves it by a success, and further failures.
    const before = {
      failingSince: new Date(at.getTime() - 2),
      lastSuccessAt: new Date(at.getTime() - 1),
    };
    expect(healthOf({ ...once, ...before })).toMatchObject({ since: at });
    expect(healthOf({ ...once, ...before, failureCount: 2 })).not.toHaveProperty('since');
  });

  it('says how the last failure was, unless a success was noted after it', () => {
    expect(healthOf({ ...healthy, failureCount: 2 }).reason).toBe('2 attempts in a row failed');
    expect(healthOf({ ...healthy, failureCount: 2, lastStatus: null }).reason).toBe(
      '2 attempts in a row failed',
    );
  });

  it('says of one that failures have disabled whether the last attempt failed', () => {
    const failures = { isActive: false, disabledReason: 'consecutive_failures' } as const;
    const enable =
      'PATCH /v1/webhooks/wh_1 {"isActive": true}; its answer says how to replay what was skipped';
    expect(healthOf({ ...healthy, ...failures })).toMatchObject({
      reason: 'too many attempts in a row had failed; the last one succeeded',
      remedy: enable,
    });
    expect(healthOf({ ...healthy, ...failures, failureCount: 1, lastStatus: 500 })).toMatchObject({
      reason: 'the last attempt failed with status 500',
      remedy: `see the receiver’s log for what went wrong there; then ${enable}`,
    });
  });

  it.each([302, 400, 401, 403, 404, 405, 413, 419, 429, 500, 503, ...ATTEMPT_ERROR_CODES])(
    'has a remedy for %s',
    (lastStatus) => {
      const told = healthOf({ ...healthy, failureCount: 2, lastStatus });
      expect(told.reason).toContain(String(lastStatus));
      expect(told.remedy).toMatch(/^[a-z].{20,}[^.]$/);
      const disabled = { isActive: false, disabledReason: 'consecutive_failures' as const };
      expect(healthOf({ ...healthy, failureCount: 2, lastStatus, ...disabled }).remedy).toBe(
        `${told.remedy}; then PATCH /v1/webhooks/wh_1 {"isActive": true}; its answer says how to replay what was skipped`,
      );
      // What a customer can't do, it isn't told to.
      const customers = healthFor({ ...healthy, failureCount: 2, lastStatus }, 'customer');
      expect(customers.reason).toBe(told.reason);
      expect(customers.remedy).toMatch(/^[a-z].{20,}[^.]$/);
      expect(customers.remedy).not.toMatch(/policy|[A-Z]_/);
    },
  );

  it.each([
    [403, 'CSRF protection'],
    [419, 'CSRF protection'],
    ['tls', 'intermediate certificates'],
  ])('names what is easily overlooked when an attempt fails with %s', (lastStatus, what) => {
    for (const reader of ['platform', 'customer'] as const) {
      expect(healthFor({ ...healthy, failureCount: 2, lastStatus }, reader).remedy).toContain(what);
    }
  });

  it.each([
    [{ isActive: false, disabledReason: 'manual', disabledBy: 'platform' }, 'enable'],
    [{ isActive: false, disabledReason: 'manual' }, 'enable'],
    [{ isActive: false, disabledReason: 'gone', disabledBy: 'platform' }, 'enable'],
    [{ isActive: false, disabledReason: 'consecutive_failures', disabledBy: 'platform' }, 'enable'],
    [{ isPaused: true, pausedBy: 'platform' }, 'resume'],
    [{ isPaused: true }, 'resume'],
  ] as const)('tells a customer whom to ask for what the platform has stopped: %j', (by, what) => {
    const { remedy } = healthFor({ ...healthy, ...by }, 'customer');
    expect(remedy).toMatch(new RegExp(`ask the platform: .* a portal link can’t ${what} it$`));
    expect(remedy).not.toContain('/v1/');
    expect(healthOf({ ...healthy, ...by }).remedy).toContain('/v1/webhooks/wh_1');
  });

  it.each([
    { isActive: false, disabledReason: 'manual', disabledBy: 'customer' },
    { isActive: false, disabledReason: 'gone' },
    { isActive: false, disabledReason: 'consecutive_failures' },
    { isPaused: true, pausedBy: 'customer' },
  ] as const)('tells a customer what it can do about what it has stopped itself: %j', (by) => {
    const { remedy } = healthFor({ ...healthy, ...by }, 'customer');
    expect(remedy).toContain('/v1/webhooks/wh_1');
  });
});
