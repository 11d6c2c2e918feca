import { Router } from 'express';
import type { z } from 'zod';
import { answer } from '../http/answers';
import { audited } from '../http/audited';
import { adminOnly } from '../http/auth';
import type { BrowserSessions } from '../http/browser-sessions';
import type { OwnAddress } from '../http/own-address';
import type { signInLinkSchema } from '../schemas/session';

/** `/v1/sign-in-links`: each signs one browser in as the admin, once. */
export function signInLinksRouter(sessions: BrowserSessions, address: OwnAddress): Router {
  const router = Router();

  router.post('/', adminOnly, audited('sign_in_link.created'), async (req, res) => {
    const base = address.ofLink(req);
    const { token, expiresAt } = await sessions.createLink();
    // Behind `#`, so that no server and no log sees it.
    const url = `${base}/dashboard/#sign-in=${token}`;
    answer(res, { url, token, expiresAt } satisfies z.infer<typeof signInLinkSchema>, 201);
  });

  return router;
}
