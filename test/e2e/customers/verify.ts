import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { findPython, installRequirements } from '../../support/python';
import type { ReceivedRequest } from '../../support/receiver';

export type CustomerScheme = 'hex' | 'standard';

/** A customer who receives requests and has a secret. */
export interface Verification {
  scheme: CustomerScheme;
  secret: string;
  request: ReceivedRequest;
}

const succeeds = (verify: () => unknown): boolean => {
  try {
    verify();
    return true;
  } catch {
    return false;
  }
};

/**
 * What each way of verifying says of a request: Node's createHmac, or the libraries standardwebhooks
 * and, for secrets in whsec format, svix.
 */
export function verifyInNode({ scheme, secret, request }: Verification): Record<string, boolean> {
  const { rawBody } = request;
  const headers = request.headers as Record<string, string>;
  if (scheme === 'hex') {
    const expected = createHmac('sha256', secret).update(rawBody).digest('hex');
    const signatures = [headers['x-webhook-signature'], headers['x-webhook-signature-previous']];
    return { createHmac: signatures.includes(expected) };
  }
  const isRaw = !secret.startsWith('whsec_');
  const standard = new StandardWebhook(secret, isRaw ? { format: 'raw' } : {});
  return {
    standardwebhooks: succeeds(() => standard.verify(rawBody.toString(), headers)),
    ...(!isRaw && { svix: succeeds(() => new SvixWebhook(secret).verify(rawBody, headers)) }),
  };
}

/** Verifies by verify.py, with packages of its own. */
export class PythonCustomer {
  private readonly python = findPython();
  /** Where they are, for PYTHONPATH. */
  readonly packages = installRequirements(this.python, path.join(__dirname, 'requirements.txt'));

  /** A verdict for each. Not in the way of the API, which runs in this process. */
  async verify(verifications: Verification[]): Promise<boolean[]> {
    const input = verifications.map(({ scheme, secret, request: { headers, rawBody } }) => ({
      scheme,
      secret,
      headers,
      body: rawBody.toString('base64'),
    }));
    const running = promisify(execFile)(this.python, [path.join(__dirname, 'verify.py')], {
      env: { PATH: process.env.PATH, PYTHONPATH: this.packages },
    });
    running.child.stdin!.end(JSON.stringify(input));
    return JSON.parse((await running).stdout) as boolean[];
  }

  remove(): void {
    rmSync(this.packages, { recursive: true });
  }
}
