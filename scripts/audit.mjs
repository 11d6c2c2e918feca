// `npm run audit`: known vulnerabilities of the packages in the lockfile, from high on.
import { spawnSync } from 'node:child_process';
import { root } from './lib/paths.mjs';

/** The answer of a registry without advisories, such as a mirror. */
const NO_AUDITS = [404, 405, 501];

/** npm repeats what it reads from a registry, but not this question. */
const TRIES = 3;

const ask = () => {
  const args = ['audit', '--audit-level=high', '--json'];
  return JSON.parse(spawnSync('npm', args, { cwd: root, encoding: 'utf8' }).stdout);
};
const isAnswered = ({ metadata, statusCode }) => metadata || NO_AUDITS.includes(statusCode);

let report = ask();
for (let tries = 1; tries < TRIES && !isAnswered(report); tries += 1) report = ask();
if (NO_AUDITS.includes(report.statusCode)) {
  console.log(
    `NOT AUDITED: the npm registry in use does not support audits (${report.statusCode}).`,
  );
} else if (!report.metadata) {
  console.error(`the audit failed: ${report.message ?? report.error?.summary ?? 'no report'}`);
  process.exitCode = 1;
} else {
  const { info, low, moderate, high, critical } = report.metadata.vulnerabilities;
  console.log(`critical ${critical}, high ${high}, moderate ${moderate}, low ${low}, info ${info}`);
  for (const [name, { severity, range }] of Object.entries(report.vulnerabilities)) {
    console.log(`  ${severity}: ${name} ${range}`);
  }
  process.exitCode = high + critical > 0 ? 1 : 0;
}
