/**
 * What a delivery costs at least: a POST with its HMAC, by plain Node. Its parent sends `{run, events,
 * webhooks, clients, urls}`, and is answered when all are sent.
 */
import { createPoster, each } from './post.mjs';
import { signedDelivery } from './sample.mjs';

async function sendAll({ run, events, webhooks, clients, urls }) {
  const post = createPoster(clients);
  await each(events * webhooks, clients, (at) => {
    const webhook = at % webhooks;
    const { headers, body } = signedDelivery(run, Math.floor(at / webhooks), webhook);
    return post(urls[webhook], headers, body);
  });
  process.send('done');
}

process.on('message', (load) => void sendAll(load));
process.on('disconnect', () => process.exit());
process.send('ready');
