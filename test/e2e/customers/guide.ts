import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../../support/eventually';
import { findPython } from '../../support/python';
import { stopProgram } from './program';
import type { CustomerScheme, Verification } from './verify';

const root = path.resolve(__dirname, '../../..');
const GUIDE = readFileSync(path.join(root, 'docs/guide-verify.md'), 'utf8');
/** How its chapters have receivers verify. */
export type GuideScheme = CustomerScheme | 'standard-ed25519';
const HEADINGS: Record<GuideScheme, string> = {
  hex: 'In your language',
  standard: 'Standard Webhooks',
  'standard-ed25519': 'Ed25519',
};

interface Language {
  file: string;
  interpreter: string;
  /** A program around the guide's code, which writes a verdict for each request of its standard input. */
  program: Record<GuideScheme, (code: string) => string>;
}

const isImport = (line: string): boolean => /^(import|from) /.test(line);
const importsOf = (code: string): string => code.split('\n').filter(isImport).join('\n');
const restOf = (code: string, indent: string): string =>
  code
    .split('\n')
    .filter((line) => !isImport(line))
    .map((line) => indent + line)
    .join('\n');

const node = (code: string, verdict: string): string => `
  import { readFileSync } from 'node:fs';
  ${code}
  const verdict = ({ secret, body, headers }) => { ${verdict} };
  console.log(JSON.stringify(JSON.parse(readFileSync(0, 'utf8')).map(verdict)));
`;
const python = (code: string, verdict: string): string => `
import base64, json, sys
${code}
def verdict(secret, body, headers):
${verdict}
print(json.dumps([verdict(**one) for one in json.load(sys.stdin)]))
`;

/** Those that every machine has on which the tests run. */
const LANGUAGES: Record<'Node' | 'Python', Language> = {
  Node: {
    file: 'verify.mjs',
    interpreter: process.execPath,
    program: {
      hex: (code) =>
        node(
          code,
          `return isSigned(Buffer.from(body, 'base64'), secret,
             headers['x-webhook-signature'], headers['x-webhook-signature-previous']);`,
        ),
      standard: (code) =>
        node(
          importsOf(code),
          `const rawBody = Buffer.from(body, 'base64').toString();
           try { ${restOf(code, '')}; return true; }
           catch (error) { if (error.name !== 'WebhookVerificationError') throw error; return false; }`,
        ),
      'standard-ed25519': (code) =>
        node(code, `return isSigned(Buffer.from(body, 'base64'), secret, headers);`),
    },
  },
  Python: {
    file: 'verify.py',
    interpreter: findPython(),
    program: {
      hex: (code) =>
        python(
          code,
          `    return is_signed(base64.b64decode(body), secret,
        headers.get("x-webhook-signature"), headers.get("x-webhook-signature-previous"))`,
        ),
      standard: (code) =>
        python(
          importsOf(code),
          `    raw_body = base64.b64decode(body)
    try:
${restOf(code, '        ')}
        return True
    except Exception as error:
        if type(error).__name__ != "WebhookVerificationError":
            raise
        return False`,
        ),
      'standard-ed25519': (code) =>
        python(code, `    return is_signed(base64.b64decode(body), secret, headers)`),
    },
  },
};

export const GUIDE_LANGUAGES = Object.keys(LANGUAGES) as (keyof typeof LANGUAGES)[];

/**
 * What the code says that docs/guide-verify.md shows first for that language, as its reader would paste it.
 * @param verifications with a public key as their secret where that is what receivers have
 * @param pythonPath where Python's packages are
 */
export async function verifyByGuide(
  language: keyof typeof LANGUAGES,
  scheme: GuideScheme,
  verifications: readonly Omit<Verification, 'scheme'>[],
  pythonPath: string,
): Promise<boolean[]> {
  const { file, interpreter, program } = LANGUAGES[language];
  const isRaw = scheme === 'standard' && !verifications[0]!.secret.startsWith('whsec_');
  const code = blocksOf(language, scheme)[0]!;
  const folder = folderWith(file, program[scheme](isRaw ? forRawSecrets(code) : code));
  try {
    const running = promisify(execFile)(interpreter, [path.join(folder, file)], {
      env: { PATH: process.env.PATH, PYTHONPATH: pythonPath },
    });
    running.child.stdin!.end(
      JSON.stringify(
        verifications.map(({ secret, request: { headers, rawBody } }) => ({
          secret,
          headers,
          body: rawBody.toString('base64'),
        })),
      ),
    );
    return JSON.parse((await running).stdout) as boolean[];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A folder with that program, which finds the packages of Node that are installed here. */
function folderWith(file: string, program: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'posthorn-guide-'));
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  writeFileSync(path.join(folder, file), program);
  return folder;
}

/** The code that the guide shows for that language, block by block. */
function blocksOf(language: string, scheme: GuideScheme): string[] {
  const [, chapter = ''] = GUIDE.split(`\n## ${HEADINGS[scheme]}\n`);
  const [, section = ''] = chapter.split('\n## ', 1)[0]!.split(`\n### ${language}\n`);
  const [own = ''] = section.split('\n### ', 1);
  return [...own.matchAll(/^```\w+\n(.*?)^```$/gms)].map(([, code = '']) => code);
}

/** As the comment in the code says. */
function forRawSecrets(code: string): string {
  const instead = /A secret without `whsec_`: (.+)$/m.exec(code)![1]!;
  return code.replace(/(webhook = ).+$/m, `$1${instead}`);
}

/** The receiver that the guide shows for a language, as a process of its own; on another port than 3000. */
export class GuideReceiver {
  /** All that it has written, errors included. */
  output = '';

  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
  ) {
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    }
  }

  /** Listens. */
  static async start(
    language: keyof typeof LANGUAGES,
    port: number,
    secret: string,
  ): Promise<GuideReceiver> {
    const { file, interpreter } = LANGUAGES[language];
    const program = blocksOf(language, 'hex').join('\n').replace('3000', String(port));
    const folder = folderWith(file, program);
    const child = spawn(interpreter, [path.join(folder, file)], {
      env: { PATH: process.env.PATH, WEBHOOK_SECRET: secret },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const receiver = new GuideReceiver(child, folder);
    await eventually(`the guide's ${file} listens`, () => {
      if (child.exitCode !== null) throw new Error(`${file} ended: ${receiver.output}`);
      return fetch(`http://127.0.0.1:${port}`).then(
        () => true,
        () => false,
      );
    });
    return receiver;
  }

  stop(): Promise<void> {
    return stopProgram(this.child, this.folder);
  }
}
