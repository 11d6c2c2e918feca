import express, { Router, type Request } from 'express';
import { z } from 'zod';
import { clock } from '../../clock';
import { newId } from '../../contracts/ids';
import { MAX_DEPTH, toPayload } from '../../domain/json-text';
import { getProfile } from '../../profiles';
import {
  happenedOf,
  PLAIN,
  PROVIDER_NAMES,
  providers,
  toAddress,
  toInstant,
  type Provider,
  type ProviderName,
  type ProviderReport,
  type ProviderRequest,
  type UnreadableReport,
} from '../../providers';
import type { Cipher } from '../../store/cipher';
import type { InboundRecord } from '../../store/inbound';
import type { NewEvent } from '../../store/new-event';
import type { ProjectRecord } from '../../store/projects';
import { expiryOf } from '../../store/retention';
import { allow, projectOf } from '../auth';
import { decodeUtf8 } from '../encoding';
import { ApiError, invalid, malformedJson } from '../errors';
import type { FoundTypes } from '../event-catalog';
import type { Intake } from '../intake';
import { asWritten, jsonBody } from '../json-body';
import { openProviderKey } from '../provider-keys';
import { isDeeperThan, parseBody, problemsOf } from '../validation';

export interface InboundDependencies {
  intake: Intake;
  cipher: Cipher;
  retentionDays: number;
}

const BODY_LIMIT = 256 * 1024;
/** SendGrid posts batches. */
const NATIVE_LIMIT = 5 * 1024 * 1024;

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

/** An escape in JSON; the group: half of a surrogate pair without its other half. */
const ESCAPE =
  /\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)/gs;

/** Halves of surrogate pairs become U+FFFD: a subject that somebody has cut must not cost its report. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(
      text.replaceAll(ESCAPE, (escape, half?: string) => (half ? '\\ufffd' : escape)),
    );
  } catch {
    throw malformedJson(text);
  }
}

/** The raw bytes, and the body read from them: more than `jsonBody` takes, since it is not the caller's own. */
function readNative(req: Request): ProviderRequest {
  const rawBody = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);
  req.body = parseJson(decodeUtf8(rawBody));
  if (isDeeperThan(MAX_DEPTH, req.body)) {
    throw invalid([{ field: 'body', message: `is nested deeper than ${MAX_DEPTH} levels` }]);
  }
  return { rawBody, header: (name) => req.get(name) };
}

function reportsOf(
  provider: Provider,
  request: ProviderRequest,
  req: Request,
): (ProviderReport | UnreadableReport)[] {
  const read = provider.read(request, req.body);
  if ('error' in read) throw invalid(problemsOf(read.error));
  return read.reports;
}

/** `POST /api/webhooks` and `POST /api/webhooks/:provider`: what e-mail providers report. */
export function inboundRouter({ intake, cipher, retentionDays }: InboundDependencies): Router {
  const router = Router();
  const send = allow('owner', 'sender');

  /** What one report becomes; whatever is wrong with it costs none of the others. */
  function outcomeOf(
    project: ProjectRecord,
    types: FoundTypes,
    report: ProviderReport | UnreadableReport,
    now: Date,
  ): Outcome {
    if ('unreadable' in report) {
      return { event: null, reason: invalid(problemsOf(report.unreadable)).message };
    }
    const mapping = getProfile(project.profile).providerEvents!;
    const type = mapping.types.get(report.happened);
    if (type === undefined) return { event: null, reason: 'no event is made of this type' };
    if (report.emailId === null) return { event: null, reason: 'it names no e-mail' };
    const data = mapping.data({
      emailId: report.emailId,
      ...(report.recipient !== null && { recipient: report.recipient }),
      timestamp: report.timestamp ?? now.toISOString(),
    });
    try {
      return { event: intake.prepare(project, types, { type, data: toPayload(data) }) };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return { event: null, reason: error.message };
    }
  }

  /** Keeps the reports and fans out what they become. */
  async function accept(
    project: ProjectRecord,
    provider: string,
    reports: readonly (ProviderReport | UnreadableReport)[],
    verified: boolean,
  ): Promise<void> {
    const receivedAt = clock.now();
    const expiresAt = expiryOf(project, receivedAt, retentionDays);
    const { types: becoming } = getProfile(project.profile).providerEvents!;
    const types = await intake.catalog.find(project, [...becoming.values()]);
    await intake.acceptReports(
      reports.map((report) => {
        const { event, reason } = outcomeOf(project, types, report, receivedAt);
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

  const json = jsonBody(BODY_LIMIT);
  router.post('/', send, json, async (req, res) => {
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
  const raw = express.raw({ limit: NATIVE_LIMIT, type: 'application/json' });
  router.post('/:provider', send, raw, async (req, res, next) => {
    const name = providerName(req.params.provider);
    if (!name) {
      next();
      return;
    }
    const provider = providers[name];
    const project = projectOf(res);
    const request = readNative(req);
    const key = openProviderKey(cipher, project, name);
    const refusal = key === null ? null : provider.refusal(request, req.body, key, clock.now());
    if (refusal !== null) throw new ApiError('unauthorized', `${name}: ${refusal}`);
    await accept(project, name, reportsOf(provider, request, req), key !== null);
    res.json({ received: true });
  });

  return router;
}
