import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { metrics } from './metrics';

/**
 * What METRICS_ADDRESS serves, without a key: `/metrics`; `/healthz`, 200 while the process runs; `/readyz`.
 * @param readyz answers that: the API where there is one, so that a process says one thing wherever it is asked
 */
export function operationsListener(readyz: RequestListener): RequestListener {
  return (req, res) => void answerTo(req, res, readyz);
}

/** `/readyz` of a process that only works: 200 while it does, otherwise 503 with the reason. */
export function workersReadyz(whyIdle: () => Promise<string | null>): RequestListener {
  return (_req, res) =>
    void whyIdle().then(
      (reason) => answer(res, reason === null ? 200 : 503, reason ?? 'ok'),
      () => res.writeHead(500).end(),
    );
}

async function answerTo(
  req: IncomingMessage,
  res: ServerResponse,
  readyz: RequestListener,
): Promise<void> {
  const { method, url = '' } = req;
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
      case 'GET /readyz':
        readyz(req, res);
        return;
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
