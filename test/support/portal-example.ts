import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';

const SCRIPT = path.join(__dirname, '../../examples/portal/server.mjs');

export interface PortalExample {
  /** Of the page that embeds the portal. */
  url: string;
  stop: () => void;
}

/** examples/portal, as its README starts it: beside the Posthorn that the environment names. */
export async function startPortalExample(
  environment: Record<string, string>,
): Promise<PortalExample> {
  const child = spawn(process.execPath, [SCRIPT], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...environment, PORT: '0' },
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const [url] = /http:\S+/.exec(line) ?? [];
    if (url) return { url, stop: () => void child.kill() };
  }
  throw new Error('the example ended');
}
