import express, { Router, type Request } from 'express';
import { z } from 'zod';
import { newId } from '../../contracts/ids';
import { getProfile } from '../../profiles';
import {
  PROVIDER_NAMES,
  providers,
  toInstant,
  type Provider,
  type ProviderName,
  type ProviderReport,
  type ProviderRequest,
} from '../../providers';
import type { Cipher } from '../../store/cipher';
import type { InboundRecord } from '../../store/inbound';
import type { NewEvent } from '../../store/new-event';
import type { ProjectRecord } from '../../store/projects';
import { expiryOf } from '../../store/retention';
import { allow, projectOf } from '../auth';
import { ApiError, invalid } from '../errors';
import type { EventType } from '../event-catalog';
import type { Intake } from '../intake';
import { jsonBody } from '../json-body';
import { openProviderKey } from '../provider-keys';
import { parseBody, problemsOf } from '../validation';

export interface InboundDependencies {
  intake: Intake;
  cipher: Cipher;
  retentionDays: number;
}

const BODY_LIMIT = '256kb';
/** SendGrid posts batches. */
const NATIVE_LIMIT = '5mb';

/** What a provider's event is recorded as that came by no provider's own route. */
const PLAIN = 'plain';
export const plainBody = z.strictObject({
  type: z.string().min(1).max(100),
  email_id: z.string().min(1).max(998),
  recipient: z.email({ pattern: z.regexes.unicodeEmail }).max(320).optional(),
  timestamp: z
    .union([z.string(), z.number()])
    .refine(
      (value) => toInstant(value) !== null,
      'must be ISO 8601 with a zone, or Unix seconds or milliseconds, of the years 2000-2099',
    )
    .optional(),
});

const utf8 = new TextDecoder('utf-8', { fatal: true });

const isProviderName = (name: unknown): name is ProviderName =>
  PROVIDER_NAMES.some((known) => known === name);

function parseJson(rawBody: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(rawBody));
  } catch {
    throw new ApiError('malformed_json', 'the body is not valid JSON');
  }
}

/** The raw bytes, and the body read from them as express.json would have. */
function readNative(req: Request): ProviderRequest {
  const rawBody = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);
  req.body = parseJson(rawBody);
  return { rawBody, header: (name) => req.get(name) };
}

function reportsOf(provider: Provider, request: ProviderRequest, req: Request): ProviderReport[] {
  const read = provider.read(request, parseBody(z.unknown(), req));
  if ('error' in read) throw invalid(problemsOf(read.error));
  return read.reports;
}

/** `POST /api/webhooks` and `POST /api/webhooks/:provider`: what e-mail providers report. */
export function inboundRouter({ intake, cipher, retentionDays }: InboundDependencies): Router {
  const router = Router();
  const send = allow('owner', 'sender');

  /** The project's event that a report becomes; null: it is kept only. */
  function eventOf(
    project: ProjectRecord,
    types: ReadonlyMap<string, EventType>,
    report: ProviderReport,
    now: Date,
  ): NewEvent | null {
    const mapping = getProfile(project.profile).providerEvents!;
    const type = mapping.types.get(report.happened);
    if (type === undefined || report.emailId === null) return null;
    const data = mapping.data({
      emailId: report.emailId,
      ...(report.recipient !== null && { recipient: report.recipient }),
      timestamp: report.timestamp ?? now.toISOString(),
    });
    return intake.prepare(project, types, { type, data });
  }

  /** Keeps the reports and fans out what they become. */
  async function accept(
    project: ProjectRecord,
    provider: string,
    reports: readonly ProviderReport[],
    verified: boolean,
  ): Promise<void> {
    const receivedAt = new Date();
    const expiresAt = expiryOf(project, receivedAt, retentionDays);
    const { types: becoming } = getProfile(project.profile).providerEvents!;
    const types = await intake.catalog.find(project, [...becoming.values()]);
    await intake.acceptReports(
      reports.map((report) => {
        const event = eventOf(project, types, report, receivedAt);
        const record: InboundRecord = {
          _id: newId('inbound'),
          projectId: project._id,
          provider,
          ...(report.id !== null && { providerEventId: report.id }),
          type: report.type,
          payload: report.payload,
          verified,
          receivedAt,
          eventId: event?._id ?? null,
          expiresAt,
        };
        return { record, event };
      }),
    );
  }

  const json = jsonBody(BODY_LIMIT);
  router.post('/', send, json, async (req, res) => {
    const { type, email_id, recipient, timestamp } = parseBody(plainBody, req);
    const report: ProviderReport = {
      id: null,
      type,
      happened: type,
      emailId: email_id,
      recipient: recipient ?? null,
      timestamp: toInstant(timestamp),
      payload: JSON.stringify(req.body),
    };
    await accept(projectOf(res), PLAIN, [report], false);
    res.json({ received: true });
  });

  // Signatures are over the bytes that came in, so nothing may have read them before.
  const raw = express.raw({ limit: NATIVE_LIMIT, type: 'application/json' });
  router.post('/:provider', send, raw, async (req, res, next) => {
    const { provider: name } = req.params;
    if (!isProviderName(name)) {
      next();
      return;
    }
    const provider = providers[name];
    const project = projectOf(res);
    const request = readNative(req);
    const key = openProviderKey(cipher, project, name);
    const refusal = key === null ? null : provider.refusal(request, req.body, key, new Date());
    if (refusal !== null) throw new ApiError('unauthorized', `${name}: ${refusal}`);
    await accept(project, name, reportsOf(provider, request, req), key !== null);
    res.json({ received: true });
  });

  return router;
}
