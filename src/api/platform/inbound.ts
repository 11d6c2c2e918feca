import express, { Router } from 'express';
import { z } from 'zod';
import { clock } from '../../clock';
import { newId, timeOf } from '../../contracts/ids';
import { mapInParts } from '../../in-parts';
import { getProfile } from '../../profiles';
import {
  happenedOf,
  PLAIN,
  PROVIDER_NAMES,
  toAddress,
  toInstant,
  type ProviderName,
  type ProviderReport,
} from '../../providers';
import type { ProjectRecord } from '../../store/projects';
import { expiryOf } from '../../store/retention';
import { allow, projectOf } from '../http/auth';
import { asWritten, BATCH_LIMIT, BODY_LIMIT, bytesOf } from '../http/body';
import { idempotencyKeyOf } from '../events/idempotency';
import { jsonBody } from '../http/json-body';
import type { PostedEvent } from '../events/posted-event';
import { openProviderKey } from '../projects/provider-keys';
import { parseBody } from '../http/validation';
import type { WebhookParts } from '../webhooks/webhook-update';
import type { UnreadReport } from './native-reports';

/** Unknown values may be omitted or null, and a recipient may be empty. */
export const plainBody = z.strictObject({
  type: z.string().min(1).max(200),
  email_id: z.string().min(1),
  recipient: z
    .string()
    .refine(
      (value) => value === '' || toAddress(value) !== null,
      'must be an e-mail address, "local@domain" or "Name <local@domain>"',
    )
    .nullish(),
  timestamp: z
    .union([z.string(), z.number()])
    .refine(
      (value) => toInstant(value) !== null,
      'must be ISO 8601 with an offset, or Unix seconds or milliseconds, in the years 2000-2099',
    )
    .nullish(),
});

/** A provider by its name in the path, in any case as the path itself. */
const providerName = (name: unknown): ProviderName | undefined =>
  PROVIDER_NAMES.find((known) => known === String(name).toLowerCase());

/** `POST /api/webhooks` and `POST /api/webhooks/:provider`: what e-mail providers report. */
export function inboundRouter({ store, intake, cipher }: WebhookParts): Router {
  const router = Router();
  const send = allow('owner', 'sender');

  async function accept(
    project: ProjectRecord,
    provider: string,
    reports: readonly (ProviderReport | UnreadReport)[],
    verified: boolean,
    receivedAt = clock.now(),
  ): Promise<void> {
    const posted = await mapInParts(reports, (report) => {
      const { id, type, token }: Partial<ProviderReport> = 'unreadable' in report ? {} : report;
      const _id = newId('report');
      // Lists select a range of time by ids.
      const at = timeOf(_id);
      const record = {
        _id,
        projectId: project._id,
        provider,
        ...(id && { providerEventId: id }),
        ...(verified && token !== undefined && { token }),
        type: type ?? null,
        payload: report.payload,
        verified,
        receivedAt: at,
        expiresAt: expiryOf(project, at, store.defaults.retentionDays),
      };
      return { record, becomes: eventOf(report, project, receivedAt) };
    });
    await intake.acceptReports(project, posted);
  }

  const json = jsonBody(BODY_LIMIT, intake.checks);
  router.post('/', send, ...json, async (req, res) => {
    const { type, email_id, recipient, timestamp } = parseBody(plainBody, req);
    const report: ProviderReport = {
      id: idempotencyKeyOf(req) ?? null,
      type,
      happened: happenedOf(type),
      emailId: email_id,
      recipient: toAddress(recipient),
      timestamp: toInstant(timestamp),
      payload: asWritten(req.body as Record<string, unknown>).text,
    };
    await accept(projectOf(res), PLAIN, [report], false);
    res.json({ received: true });
  });

  // Signatures cover the received bytes, so nothing may have parsed them before.
  // SendGrid posts batches.
  const raw = express.raw({ limit: BATCH_LIMIT, type: 'application/json' });
  router.post('/:provider', send, raw, async (req, res, next) => {
    const name = providerName(req.params.provider);
    if (!name) {
      next();
      return;
    }
    const project = projectOf(res);
    const key = openProviderKey(cipher, project, name);
    const receivedAt = clock.now();
    const reports = await intake.checks.readReports(project._id, {
      provider: name,
      bytes: bytesOf(req),
      headers: req.headers,
      key,
      receivedAt,
    });
    await accept(project, name, reports, key !== null, receivedAt);
    res.json({ received: true });
  });

  return router;
}

/** The event that a report becomes, or why it becomes none. */
function eventOf(
  report: ProviderReport | UnreadReport,
  { profile }: ProjectRecord,
  now: Date,
): PostedEvent | string {
  const mapping = getProfile(profile).providerEvents!;
  if ('unreadable' in report) return report.unreadable;
  const type = mapping.types.get(report.happened);
  if (type === undefined) return 'this type does not become an event';
  if (report.emailId === null) return 'it names no e-mail';
  const data = mapping.data({
    emailId: report.emailId,
    ...(report.recipient !== null && { recipient: report.recipient }),
    timestamp: report.timestamp ?? now.toISOString(),
  });
  return { type, data: { text: JSON.stringify(data) } };
}
