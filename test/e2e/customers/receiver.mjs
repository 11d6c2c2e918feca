/**
 * A customer's endpoint in Node, as its documentation says: accepts what is signed, answers 401 to the rest.
 * Reads the secret from the file WEBHOOK_SECRET_FILE; says on standard output, a JSON object a line, first
 * its port, then what it thinks of each request.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';

// Signatures: the headers X-Webhook-Signature and X-Webhook-Signature-Previous.
function isSigned(rawBody, secret, ...signatures) {
  const expected = Buffer.from(createHmac('sha256', secret).update(rawBody).digest('hex'));
  return signatures.some((signature) => {
    const given = Buffer.from(signature ?? '');
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

async function receive(request, response) {
  const rawBody = await buffer(request);
  let status = 500;
  try {
    const secret = readFileSync(process.env.WEBHOOK_SECRET_FILE, 'utf8').trim();
    const { headers } = request;
    const signatures = [headers['x-webhook-signature'], headers['x-webhook-signature-previous']];
    status = isSigned(rawBody, secret, ...signatures) ? 200 : 401;
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
  }
  say({
    status,
    event: request.headers['x-webhook-event'],
    deliveryId: request.headers['x-webhook-delivery-id'],
    bodySha256: createHash('sha256').update(rawBody).digest('hex'),
  });
  response.writeHead(status).end();
}

// A request that breaks off ends this process: the test sees it.
const server = createServer((request, response) => void receive(request, response));
server.listen(0, '127.0.0.1', () => say({ port: server.address().port }));
