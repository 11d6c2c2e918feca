import { createHmac, createSign, generateKeyPairSync, randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import type { ProviderName } from '../../../src/providers';

/** A request as a provider sends it. */
export interface Signed {
  body: Buffer;
  headers: Record<string, string>;
}

/** Signs a body as the provider would at that time. */
export type Sign = (body: Buffer, at?: Date) => Signed;

/** A new key for that provider's signatures, as the project is given it, and what signs with it. */
export function newSigner(provider: ProviderName): { key: string; sign: Sign } {
  return { resend: resendSigner, sendgrid: sendgridSigner, mailgun: mailgunSigner }[provider]();
}

const unixSeconds = (at: Date): string => String(Math.floor(at.getTime() / 1000));

function resendSigner(): { key: string; sign: Sign } {
  const key = `whsec_${randomBytes(24).toString('base64')}`;
  return {
    key,
    sign: (body, at = new Date()) => {
      const id = `msg_${randomBytes(12).toString('hex')}`;
      return {
        body,
        headers: {
          'svix-id': id,
          'svix-timestamp': unixSeconds(at),
          // A library that we did not write.
          'svix-signature': new Webhook(key).sign(id, at, body.toString()),
        },
      };
    },
  };
}

function sendgridSigner(): { key: string; sign: Sign } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return {
    key: publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
    sign: (body, at = new Date()) => {
      const timestamp = unixSeconds(at);
      const signer = createSign('sha256').update(timestamp).update(body);
      return {
        body,
        headers: {
          'x-twilio-email-event-webhook-signature': signer.sign(privateKey, 'base64'),
          'x-twilio-email-event-webhook-timestamp': timestamp,
        },
      };
    },
  };
}

/** Its signature is in the body: the report there stays as it is, the block beside it is written anew. */
function mailgunSigner(): { key: string; sign: Sign } {
  const key = randomBytes(16).toString('hex');
  return {
    key,
    sign: (body, at = new Date()) => {
      const timestamp = unixSeconds(at);
      const token = randomBytes(25).toString('hex');
      const signature = createHmac('sha256', key)
        .update(timestamp + token)
        .digest('hex');
      const posted = JSON.parse(body.toString()) as object;
      const signed = { ...posted, signature: { timestamp, token, signature } };
      return { body: Buffer.from(JSON.stringify(signed)), headers: {} };
    },
  };
}
