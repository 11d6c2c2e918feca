import { mailgun } from './mailgun';
import type { Provider } from './provider';
import { resend } from './resend';
import { sendgrid } from './sendgrid';

export type { Provider, ProviderReport, ProviderRequest } from './provider';
export { toInstant } from './fields';

/** The providers whose native payloads `POST /api/webhooks/:provider` takes (contract, section 6). */
export const PROVIDER_NAMES = ['resend', 'sendgrid', 'mailgun'] as const;
export type ProviderName = (typeof PROVIDER_NAMES)[number];

export const providers: Readonly<Record<ProviderName, Provider>> = { resend, sendgrid, mailgun };
