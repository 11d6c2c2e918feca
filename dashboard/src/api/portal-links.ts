import type { UseMutationResult } from '@tanstack/react-query';
import { request } from './http';
import { useAct } from './lists';
import type { PortalLink } from './types';
import { texts } from '../texts';

export const useCreatePortalLink = (): UseMutationResult<
  PortalLink,
  Error,
  Pick<PortalLink, 'capabilities'> & { expiresIn: number }
> =>
  useAct({
    run: (body) => request<PortalLink>('POST', 'v1/portal-links', { body }),
    changes: ['audit'],
    isLeft: true,
  });

export const useRevokePortalLinks = (): UseMutationResult<unknown, Error, void> =>
  useAct({
    run: () => request('DELETE', 'v1/portal-links'),
    done: texts.settings.portalLinks.revoked,
    changes: ['audit'],
  });
