import { Agent, request } from 'node:http';

/** `post(url, headers, body)` over so many kept-alive connections; throws unless the answer is a 2xx. */
export function createPoster(connections) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  return (url, headers, body) =>
    new Promise((resolve, reject) => {
      const options = {
        method: 'POST',
        agent,
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      };
      const req = request(url, options, (res) => {
        const chunks = [];
        res.on('data', (chunk) => chunks.push(chunk));
        res.on('error', reject);
        res.on('end', () => {
          if (res.statusCode >= 200 && res.statusCode < 300) resolve();
          else
            reject(
              new Error(`${url} answered ${res.statusCode}: ${Buffer.concat(chunks).toString()}`),
            );
        });
      });
      req.on('error', reject);
      req.end(body);
    });
}

/** Runs `work(n)` for each n below `count`, `atOnce` at a time. */
export async function each(count, atOnce, work) {
  let next = 0;
  const lane = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, lane));
}
