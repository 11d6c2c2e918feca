import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from '../../support/eventually';
import { stopProgram } from './program';

/** What a customer's endpoint said of one request. */
export interface Verdict {
  /** 200 accepted, 401 refused, 500: it has no secret yet. */
  status: number;
  event?: string;
  deliveryId?: string;
  bodySha256: string;
}

/** A customer's endpoint (receiver.mjs, receiver.py) as a process of its own. */
export class Customer {
  /** Of all requests, oldest first. */
  readonly verdicts: Verdict[] = [];
  private port = 0;
  private stderr = '';

  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
  ) {
    child.stderr!.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const said = JSON.parse(line) as { port: number } | Verdict;
      if ('port' in said) this.port = said.port;
      else this.verdicts.push(said);
    });
  }

  /** Listens, and has no secret yet. */
  static async start(interpreter: string, file: string): Promise<Customer> {
    const folder = mkdtempSync(path.join(tmpdir(), 'posthorn-customer-'));
    const child = spawn(interpreter, [path.join(__dirname, file)], {
      env: { PATH: process.env.PATH, WEBHOOK_SECRET_FILE: path.join(folder, 'secret') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const customer = new Customer(child, folder);
    await eventually(`${file} listens`, () => {
      if (child.exitCode !== null) throw new Error(`${file} ended: ${customer.stderr}`);
      return customer.port > 0;
    });
    return customer;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/webhooks`;
  }

  deploySecret(secret: string): void {
    writeFileSync(path.join(this.folder, 'secret'), `${secret}\n`, { mode: 0o600 });
  }

  verdictsOn(deliveryId: string): Verdict[] {
    return this.verdicts.filter((verdict) => verdict.deliveryId === deliveryId);
  }

  stop(): Promise<void> {
    return stopProgram(this.child, this.folder);
  }
}
