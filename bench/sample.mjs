import { createHmac } from 'node:crypto';

const secret = 'bench-secret-of-32-random-bytes-';
const type = 'email.sent';

/** The nth event of a run, which the receiver recognises by its emailId. */
export const eventOf = (run, n) => ({
  type,
  data: {
    emailId: `em_${run}_${n}`,
    from: 'shop@example.com',
    to: { email: 'ada@example.org' },
    subject: 'Bench',
    test: false,
  },
});

/** What Posthorn's envelope and headers are for it and one webhook, signed. */
export function signedDelivery(run, n, webhook) {
  const body = JSON.stringify({ createdAt: new Date().toISOString(), ...eventOf(run, n) });
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'bench',
    'x-webhook-signature': createHmac('sha256', secret).update(body).digest('hex'),
    'x-webhook-event': type,
    'x-webhook-delivery-id': `${run}-${n}-${webhook}`,
    'x-webhook-timestamp': String(Date.now()),
  };
  return { headers, body };
}
