import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { freePort } from '../support/free-port';
import { Receiver } from '../support/receiver';
import { ADMIN_KEY, Stack } from '../support/stack';

const root = path.resolve(__dirname, '../..');
const readme = readFileSync(path.join(root, 'README.md'), 'utf8');

/** The receiver's port in the README; a free one takes its place here. */
const DOCUMENTED_PORT = '9099';

/** A step of the README's section "The life of a webhook". */
interface Step {
  title: string;
  block: string;
}

function stepsOfLife(): Step[] {
  const [section] = /^## The life of a webhook$.*?^## /ms.exec(readme)!;
  return [...section.matchAll(/^### (.*?)$(.*?)(?=^##)/gms)].map(([, title, text]) => {
    const blocks = [...text!.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block!);
    expect(blocks).toHaveLength(1);
    return { title: title!, block: blocks[0]! };
  });
}

/** One bash that is given the blocks as a person would paste them: what they define is there for the next. */
class Shell {
  private output = '';

  private constructor(private readonly bash: ChildProcess) {
    bash.stdout!.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    bash.stderr!.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
  }

  static start(environment: Record<string, string>): Shell {
    return new Shell(
      spawn('bash', ['--noprofile', '--norc'], {
        cwd: root,
        env: { PATH: process.env.PATH, ...environment },
        // A group of its own, to be ended with all that it started.
        detached: true,
      }),
    );
  }

  /** @returns the exit code of the block's last command, and all that was written meanwhile */
  async run(block: string): Promise<{ code: number; output: string }> {
    const from = this.output.length;
    this.bash.stdin!.write(`${block}\nprintf '\\n<exit %s>\\n' "$?"\n`);
    const [, output, code] = await eventually(
      `the block ends:\n${block}`,
      () => /^(.*)\n<exit (\d+)>\n/s.exec(this.output.slice(from)),
      20_000,
    );
    return { code: Number(code), output: output! };
  }

  allOutput(): string {
    return this.output;
  }

  end(): void {
    process.kill(-this.bash.pid!, 'SIGKILL');
  }
}

describe('the README', () => {
  let stack: Stack;
  let folder: string;

  beforeAll(async () => {
    stack = await Stack.start();
    folder = mkdtempSync(path.join(tmpdir(), 'posthorn-readme-'));
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await stack.stop();
  });

  it('leads through the whole life of a webhook, pasted as it is', async () => {
    const dev = { apiUrl: stack.url, adminKey: ADMIN_KEY };
    writeFileSync(path.join(folder, 'dev.json'), JSON.stringify(dev));
    const port = String(await freePort());
    const shell = Shell.start({ POSTHORN_DATA_DIR: folder });

    /** What a reader should see, by step. */
    const expected: Record<string, RegExp[]> = {
      'Addresses and keys': [/"status":"ok"/],
      'Define an event type': [/"type":"order\.paid"/],
      'Create a project': [/"externalId":"cust_42"/, /"key":"phk_/, /"events":\["order\.paid"\]/],
      'A receiver': [],
      'Create a webhook': [/"id":"wh_\w+"/, /"secret":"whsec_[^"]+"/],
      'Post an event': [/"id":"evt_\w+"/, /"duplicate":false/],
      'List its deliveries': [/received evt_\w+ \{"type":"order\.paid"/, /"status":"succeeded"/],
      'Read a delivery': [/"statusCode":200/, /webhook-signature/, /"webUrl":"http/],
      'Change the webhook': [/"description":"Impatient"/, /"retryDelaysMs":\[2000\]/],
      'Break the receiver': [/"status":"failed"/, /"attemptCount":2/, /^2$/m],
      'Fix it and replay': [/"replays":1/, /"number":3/, /"status":"succeeded"/, /^0$/m],
      'Disable and enable': [/"isActive":false/, /"disabledReason":"manual"/, /"isActive":true/],
      'Reveal the secret': [/\{"secret":"whsec_[^"]+"\}/],
      Delete: [/"deleted":true/],
    };
    const steps = stepsOfLife();
    expect(steps.map(({ title }) => title)).toEqual(Object.keys(expected));
    try {
      for (const { title, block } of steps) {
        const { code, output } = await shell.run(block.replaceAll(DOCUMENTED_PORT, port));
        expect([title, code, output]).toEqual([title, 0, expect.any(String)]);
        for (const pattern of expected[title]!) expect(output).toMatch(pattern);
      }
    } finally {
      shell.end();
    }
    // The first event once; the second twice while the receiver was broken, and once replayed.
    expect(shell.allOutput().match(/^received evt_/gm)).toHaveLength(4);
    expect((await stack.admin.get('/v1/projects')).body.data.projects).toEqual([]);
  }, 60_000);

  it('gives the command that replays a delivery in Temporal', async () => {
    const [command] = /^"\$\(dev temporalCli\)" workflow reset .*$/m.exec(readme)!;
    const [dev] = /^dev\(\) .*$/m.exec(readme)!;
    const { address, namespace } = stack.config.temporal;
    // As `npm start` writes it.
    const known = {
      temporalCli: process.env.TEST_TEMPORAL_CLI,
      temporalAddress: address,
      temporalNamespace: namespace,
    };
    writeFileSync(path.join(folder, 'dev.json'), JSON.stringify(known));
    const receiver = await Receiver.start();
    const { client } = await stack.project();
    await makeWebhook(client, receiver.url);
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'succeeded' });

    await promisify(execFile)('bash', ['-c', `${dev}\n${command}`], {
      env: { PATH: process.env.PATH, POSTHORN_DATA_DIR: folder, DELIVERY: id },
    });

    await deliveryWith(client, id, { status: 'succeeded', replays: 1 });
    expect(receiver.requests).toHaveLength(2);
    await receiver.close();
  });
});
