import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eventually } from '../support/eventually';
import { freePort } from '../support/free-port';
import { ADMIN_KEY, Stack } from '../support/stack';

const root = path.resolve(__dirname, '../..');

/** The receivers' port in the documents; a free one takes its place here. */
const DOCUMENTED_PORT = '9099';

/** A block to paste, by the heading that it stands under. */
interface Step {
  title: string;
  block: string;
}

/** The blocks of a document that are marked `sh`. */
function stepsOf(document: string): Step[] {
  const text = readFileSync(path.join(root, document), 'utf8');
  return text.split(/^##+ /m).flatMap((section) => {
    const [title] = section.split('\n');
    const blocks = [...section.matchAll(/^```sh\n(.*?)^```$/gms)];
    return blocks.map(([, block]) => ({ title: title!, block: block! }));
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
        // A separate process group, to be ended with everything that it started.
        detached: true,
      }),
    );
  }

  /** @returns the exit code of the block's last command, and all that was written meanwhile */
  async run(block: string): Promise<{ code: number; output: string }> {
    const from = this.output.length;
    this.bash.stdin!.write(`${block}\nprintf '\\n<exit %s>\\n' "$?"\n`);
    const [, output, code] = await eventually(`the block ends:\n${block}`, () =>
      /^(.*)\n<exit (\d+)>\n/s.exec(this.output.slice(from)),
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

describe('the blocks of the README and of getting-started.md, pasted into one shell', () => {
  let stack: Stack;
  let folder: string;
  let shell: Shell;
  let port: string;

  beforeAll(async () => {
    stack = await Stack.start();
    folder = mkdtempSync(path.join(tmpdir(), 'posthorn-walkthrough-'));
    const { address, namespace } = stack.config.temporal;
    // As `npm start` writes it.
    const dev = {
      apiUrl: stack.url,
      adminKey: ADMIN_KEY,
      temporalCli: process.env.TEST_TEMPORAL_CLI,
      temporalAddress: address,
      temporalNamespace: namespace,
    };
    writeFileSync(path.join(folder, 'dev.json'), JSON.stringify(dev));
    shell = Shell.start({ POSTHORN_DATA_DIR: folder });
    port = String(await freePort());
  });
  afterAll(async () => {
    shell.end();
    rmSync(folder, { recursive: true });
    await stack.stop();
  });

  /** Also within a line: the receiver writes beside the blocks. */
  const received = (): number =>
    shell.allOutput().match(/received (evt_\w+ )?\{"type"/g)?.length ?? 0;

  /** Pastes a block, which must succeed and show a reader what is expected. */
  async function paste({ title, block }: Step, expected: RegExp[]): Promise<void> {
    const { code, output } = await shell.run(block.replaceAll(DOCUMENTED_PORT, port));
    expect([title, code, output]).toEqual([title, 0, expect.any(String)]);
    for (const pattern of expected) expect(output).toMatch(pattern);
  }

  async function expectNothingLeft(): Promise<void> {
    expect((await stack.admin.get('/v1/projects')).body.data.projects).toEqual([]);
  }

  it('first show the life of a webhook in six lines', async () => {
    const [prepare, life, cleanUp, ...others] = stepsOf('README.md');
    expect(others).toEqual([]);
    await paste(prepare!, [/"profile":"custom"/, /"externalId":"acme"/]);
    await paste(life!, [
      /"type":"order\.paid"/,
      /"secret":"whsec_[^"]+"/,
      /"duplicate":false/,
      /received \{"type":"order\.paid"/,
      /"status":"succeeded"/,
      /"replays":1/,
    ]);
    await eventually('the replay arrives', () => received() === 2);
    await paste(cleanUp!, [/"deleted":true/]);
    await expectNothingLeft();
  });

  it('then lead through all of it', async () => {
    /** What a reader should see, by step. */
    const expected: Record<string, RegExp[]> = {
      'Addresses and keys': [/"status":"ok"/],
      'Define an event type': [/"type":"order\.paid"/],
      'Create a project': [/"externalId":"cust_42"/, /"key":"phk_/, /"events":\["order\.paid"\]/],
      'Start a receiver': [],
      'Create a webhook': [/"id":"wh_\w+"/, /"secret":"whsec_[^"]+"/],
      'Post an event': [/"id":"evt_\w+"/, /"duplicate":false/],
      'List its deliveries': [/"status":"succeeded"/],
      'Read a delivery': [/"statusCode":200/, /webhook-signature/, /"webUrl":"http/],
      'Change the webhook': [/"description":"Impatient"/, /"retryDelaysMs":\[2000\]/],
      'Break the receiver': [/"status":"failed"/, /"attemptCount":2/, /"failureCount":2/],
      'Repair it and replay': [
        /"replays":1/,
        /"number":3/,
        /"status":"succeeded"/,
        /"failureCount":0/,
      ],
      'Replay it in Temporal': [/"replays":2/, /"number":4/, /"status":"succeeded"/],
      'Disable and enable': [/"isActive":false/, /"disabledReason":"manual"/, /"isActive":true/],
      'Reveal the secret': [/\{"secret":"whsec_[^"]+"\}/],
      Delete: [/"deleted":true/],
    };
    const before = received();
    const steps = stepsOf('docs/getting-started.md');
    expect(steps.map(({ title }) => title)).toEqual(Object.keys(expected));
    for (const step of steps) await paste(step, expected[step.title]!);
    // By then, but perhaps within an earlier step.
    expect(shell.allOutput()).toMatch(/received evt_\w+ \{"type":"order\.paid"/);
    // The first event once; the second twice while the receiver was broken, and once for each replay.
    expect(received() - before).toBe(5);
    await expectNothingLeft();
  });
});
