import { mailgun } from './mailgun';
import type { Provider } from './provider';
import { resend } from './resend';
import { sendgrid } from './sendgrid';

export type { Provider, ProviderReport, ProviderRequest, UnreadableReport } from './provider';
export { toAddress, toInstant } from './fields';
export { happenedOf } from './plain';

/** The providers whose native payloads `POST /api/webhooks/:provider` accepts (docs/contract.md, 6.3). */
export const PROVIDER_NAMES = ['resend', 'sendgrid', 'mailgun'] as const;
export type ProviderName = (typeof PROVIDER_NAMES)[number];

/** The recorded provider of a report that didn't come by a provider's own route. */
export const PLAIN = 'plain';
/** The possible providers of a report. */
export const REPORT_SOURCES = [...PROVIDER_NAMES, PLAIN] as const;

export const providers: Readonly<Record<ProviderName, Provider>> = { resend, sendgrid, mailgun };
