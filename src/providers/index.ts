import { mailgun } from './mailgun';
import type { Provider } from './provider';
import { resend } from './resend';
import { sendgrid } from './sendgrid';

export type { Provider, ProviderReport, ProviderRequest, UnreadableReport } from './provider';
export { toAddress, toInstant } from './fields';
export { happenedOf } from './plain';

/** The providers whose native payloads `POST /api/webhooks/:provider` takes (docs/contract.md, 6.3). */
export const PROVIDER_NAMES = ['resend', 'sendgrid', 'mailgun'] as const;
export type ProviderName = (typeof PROVIDER_NAMES)[number];

/** What a report is recorded as that came by no provider's own route. */
export const PLAIN = 'plain';
/** By whom a report may have come. */
export const REPORT_SOURCES = [...PROVIDER_NAMES, PLAIN] as const;

export const providers: Readonly<Record<ProviderName, Provider>> = { resend, sendgrid, mailgun };
