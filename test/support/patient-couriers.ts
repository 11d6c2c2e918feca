import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** The product's own. */
export const BUNDLE = path.resolve(__dirname, '../../dist/workflow-bundle.js');

const TIMEOUT = "heartbeatTimeout: '6s'";
const PATIENT = "heartbeatTimeout: '30s'";

/**
 * Lends this version's workflows, but with couriers that are given up after half a minute: in a test's own process
 * none dies, and a busy machine may stand still for longer than six seconds.
 * @param use has read the file when it resolves
 */
export async function withPatientCouriers<T>(use: (bundle: string) => Promise<T>): Promise<T> {
  const parts = readFileSync(BUNDLE, 'utf8').split(TIMEOUT);
  if (parts.length !== 2) throw new Error(`the workflows do not have ${TIMEOUT} exactly once`);
  const folder = mkdtempSync(path.join(tmpdir(), 'posthorn-couriers-'));
  try {
    const bundle = path.join(folder, 'workflow-bundle.js');
    writeFileSync(bundle, parts.join(PATIENT));
    return await use(bundle);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
