import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { metrics } from './metrics';

/**
 * What METRICS_ADDRESS serves, without a key: `/metrics`; `/healthz`, 200 while the process runs;
 * `/readyz`, 200 while it does its work, otherwise 503 with the reason.
 */
export function operationsListener(whyIdle: () => Promise<string | null>): RequestListener {
  return (req, res) => void answerTo(req, res, whyIdle);
}

async function answerTo(
  { method, url = '' }: IncomingMessage,
  res: ServerResponse,
  whyIdle: () => Promise<string | null>,
): Promise<void> {
  const path = url.replace(/\/?(\?.*)?$/, '');
  try {
    switch (`${method === 'HEAD' ? 'GET' : method} ${path}`) {
      case 'GET /metrics': {
        const text = await metrics.metrics();
        res.writeHead(200, { 'Content-Type': metrics.contentType }).end(text);
        return;
      }
      case 'GET /healthz':
        answer(res, 200, 'ok');
        return;
      case 'GET /readyz': {
        const reason = await whyIdle();
        answer(res, reason === null ? 200 : 503, reason ?? 'ok');
        return;
      }
      default:
        answer(res, 404, 'GET /metrics, /healthz or /readyz');
    }
  } catch {
    res.writeHead(500).end();
  }
}

function answer(res: ServerResponse, status: number, text: string): void {
  res.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}
