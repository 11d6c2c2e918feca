import { createHmac } from 'node:crypto';
import type { Request } from 'express';
import { z } from 'zod';
import { clock } from '../../clock';
import { isSame } from '../../providers/signature';
import type { Store } from '../../store/store';
import { CAPABILITIES, type Principal } from './auth';
import type { Authentication } from './authentication';
import { derivedKey } from './derived-key';
import { ApiError } from './errors';
import { findProject, refersTo } from './references';

/** What a token says, signed. */
const contentSchema = z.object({
  id: z.string(),
  projectId: z.string(),
  capabilities: z.enum(CAPABILITIES),
  /** The key of whoever made it: it ends with that key. */
  keyId: z.string(),
  /** How often the project's links had been revoked before. */
  revocations: z.number(),
  expiresAt: z.number(),
});
export type PortalTokenContent = z.infer<typeof contentSchema>;

const PREFIX = 'php_';

/**
 * Tokens of portal links: signed, with a key derived from the admin key, rather than stored, so that making and
 * checking one needs no more of MongoDB than the project and the key, which are remembered. `docs/adr/0037` says
 * why.
 */
export class PortalTokens {
  private readonly key: Buffer;

  constructor(
    private readonly store: Store,
    private readonly authentication: Authentication,
    rootKey: Buffer,
  ) {
    this.key = derivedKey(rootKey, 'portal links');
  }

  sign(content: PortalTokenContent): string {
    const body = Buffer.from(JSON.stringify(content)).toString('base64url');
    return `${PREFIX}${body}.${this.mac(body)}`;
  }

  /**
   * Who calls with this bearer; null if it doesn't look like a token.
   * @throws ApiError 401 if it isn't ours, has expired or was revoked, 403 if the request names another project
   */
  async principalOf(req: Request, bearer: string | undefined): Promise<Principal | null> {
    const content = bearer === undefined ? null : this.verify(bearer);
    if (!content) return null;
    const { id, projectId, capabilities, keyId, revocations, expiresAt } = content;
    if (expiresAt <= clock.now().getTime()) throw ended('has expired');
    const project = await findProject(this.store, projectId);
    if (!project || revocations < (project.portalRevocations ?? 0)) throw ended('was revoked');
    const maker = await this.authentication.callerOf(keyId);
    if (!maker || (maker !== 'admin' && maker.key.role !== 'owner')) throw ended('was revoked');
    const asked = req.get('x-project-id');
    if (asked !== undefined && !refersTo(asked, project)) {
      throw new ApiError('forbidden', 'this portal link is for a project other than x-project-id');
    }
    const endsAt = new Date(expiresAt);
    return { role: `portal:${capabilities}`, keyId: id, project, endsAt };
  }

  /** Nobody guesses these, so a wrong one doesn't count as a wrong key: it may be signed with a former admin key. */
  private verify(token: string): PortalTokenContent | null {
    const [, body, signature] = /^php_([\w-]+)\.([\w-]+)$/.exec(token) ?? [];
    if (body === undefined || signature === undefined) return null;
    if (!isSame(signature, this.mac(body))) throw ended('is not valid');
    return contentSchema.parse(JSON.parse(Buffer.from(body, 'base64url').toString()));
  }

  private mac(body: string): string {
    return createHmac('sha256', this.key).update(body).digest('base64url');
  }
}

const ended = (how: string): ApiError =>
  new ApiError(
    'unauthorized',
    `this portal link ${how}; the page that embeds it can ask for another`,
  );
