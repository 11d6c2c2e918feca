import type { Response } from 'express';
import { disabledBy } from '../../domain/changed-by';
import type { WebhookRecord } from '../../store/webhook-record';
import { changedBy } from './auth';
import { ApiError } from './errors';

/** 403 for a link that tries to undo or get around what the platform did with a key. */
export const leftToPlatform = (what: string): ApiError =>
  new ApiError('forbidden', `${what}, and a portal link can't change that; ask the platform`);

export const disabledForLinks = (): ApiError =>
  leftToPlatform('the platform has disabled this webhook');

/**
 * Requested explicitly, a test or a replay is sent to a disabled webhook too.
 * @throws ApiError 403 if a link asks for that, or hastens it, where the platform has disabled it
 */
export function refuseSending(res: Response, webhook: WebhookRecord): void {
  if (changedBy(res) === 'customer' && disabledBy(webhook) === 'platform') {
    throw disabledForLinks();
  }
}
