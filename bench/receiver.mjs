/**
 * The receiver of the webhooks, in a process of its own: answers 200 at once, and notes what came when.
 * Messages from its parent: `{begin: run}` forgets everything and counts only that run's events; `'count'` is
 * answered by `{received, repeated, lastAtMs}`, and `'receipts'` by the times of all, as `[n, atMs]`.
 */
import { createServer } from 'node:http';
import { nowMs } from './clock.mjs';

let prefix = '';
let seen = new Set();
let repeated = 0;
let receipts = [];

const server = createServer((req, res) => {
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', () => {
    const atMs = nowMs();
    res.end();
    const body = Buffer.concat(chunks).toString();
    const at = body.indexOf(prefix);
    if (at < 0) return;
    const deliveryId = req.headers['x-webhook-delivery-id'];
    if (seen.has(deliveryId)) {
      repeated += 1;
      return;
    }
    seen.add(deliveryId);
    receipts.push([Number.parseInt(body.slice(at + prefix.length), 10), atMs]);
  });
});
server.keepAliveTimeout = 60_000;

process.on('message', (message) => {
  if (message === 'receipts') process.send(receipts);
  else if (message === 'count') {
    process.send({ received: seen.size, repeated, lastAtMs: receipts.at(-1)?.[1] });
  } else {
    prefix = `"emailId":"em_${message.begin}_`;
    seen = new Set();
    repeated = 0;
    receipts = [];
    process.send('begun');
  }
});
process.on('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
