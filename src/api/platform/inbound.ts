import express, { Router } from 'express';
import { z } from 'zod';
import { clock } from '../../clock';
import { newId } from '../../contracts/ids';
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
import type { Cipher } from '../../store/cipher';
import type { InboundRecord } from '../../store/provider-reports';
import type { NewEvent } from '../../store/new-event';
import type { ProjectRecord } from '../../store/projects';
import { expiryOf } from '../../store/retention';
import { allow, projectOf } from '../http/auth';
import { asWritten, BATCH_LIMIT, BODY_LIMIT } from '../http/body';
import { ApiError, refused } from '../http/errors';
import type { Intake } from '../events/intake';
import { jsonBody } from '../http/json-body';
import type { PostedEvent } from '../events/posted-event';
import { isFine } from '../http/problems';
import { openProviderKey } from '../projects/provider-keys';
import { parseBody } from '../http/validation';
import type { UnreadReport } from './native-reports';

export interface InboundDependencies {
  intake: Intake;
  cipher: Cipher;
  retentionDays: number;
}

/** What isn't known may be left out or be null, and a recipient may be empty. */
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
      'must be ISO 8601 with a zone, or Unix seconds or milliseconds, of the years 2000-2099',
    )
    .nullish(),
});

/** A provider by its name in the path, in any case as the path itself. */
const providerName = (name: unknown): ProviderName | undefined =>
  PROVIDER_NAMES.find((known) => known === String(name).toLowerCase());

/** What becomes of a report: an event, or nothing, and why. */
type Outcome = { event: NewEvent; reason?: undefined } | { event: null; reason: string };

/** `POST /api/webhooks` and `POST /api/webhooks/:provider`: what e-mail providers report. */
export function inboundRouter({ intake, cipher, retentionDays }: InboundDependencies): Router {
  const router = Router();
  const send = allow('owner', 'sender');

  /** What each report becomes; whatever is wrong with one costs none of the others. */
  async function outcomesOf(
    project: ProjectRecord,
    reports: readonly (ProviderReport | UnreadReport)[],
    now: Date,
  ): Promise<Outcome[]> {
    const mapping = getProfile(project.profile).providerEvents!;
    const types = await intake.catalog.find(project, [...mapping.types.values()]);
    const becoming = reports.map((report): PostedEvent | string => {
      if ('unreadable' in report) return report.unreadable;
      const type = mapping.types.get(report.happened);
      if (type === undefined) return 'no event is made of this type';
      if (report.emailId === null) return 'it names no e-mail';
      const data = mapping.data({
        emailId: report.emailId,
        ...(report.recipient !== null && { recipient: report.recipient }),
        timestamp: report.timestamp ?? now.toISOString(),
      });
      return { type, data: { text: JSON.stringify(data) } };
    });
    const posted = becoming.filter((event) => typeof event !== 'string');
    const found = await intake.check(project, types, posted);
    let next = 0;
    return becoming.map((event) => {
      if (typeof event === 'string') return { event: null, reason: event };
      const problems = found[next++]!;
      if (!isFine(problems)) return { event: null, reason: refused(problems).message };
      try {
        return { event: intake.build(project, event) };
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        return { event: null, reason: error.message };
      }
    });
  }

  /** Keeps the reports and fans out what they become. */
  async function accept(
    project: ProjectRecord,
    provider: string,
    reports: readonly (ProviderReport | UnreadReport)[],
    verified: boolean,
    receivedAt = clock.now(),
  ): Promise<void> {
    const expiresAt = expiryOf(project, receivedAt, retentionDays);
    const outcomes = await outcomesOf(project, reports, receivedAt);
    await intake.acceptReports(
      reports.map((report, index) => {
        const { event, reason } = outcomes[index]!;
        const { id, type } = 'unreadable' in report ? { id: null, type: null } : report;
        const record: InboundRecord = {
          _id: newId('report'),
          projectId: project._id,
          provider,
          ...(id !== null && { providerEventId: id }),
          type,
          payload: report.payload,
          verified,
          receivedAt,
          eventId: event?._id ?? null,
          reason,
          expiresAt,
        };
        return { record, event };
      }),
    );
  }

  const json = jsonBody(BODY_LIMIT, intake.checks);
  router.post('/', send, ...json, async (req, res) => {
    const { type, email_id, recipient, timestamp } = parseBody(plainBody, req);
    const report: ProviderReport = {
      id: null,
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

  // Signatures are over the bytes that came in, so nothing may have read them before.
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
      bytes: Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0),
      headers: req.headers,
      key,
      receivedAt,
    });
    await accept(project, name, reports, key !== null, receivedAt);
    res.json({ received: true });
  });

  return router;
}
