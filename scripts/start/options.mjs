import { parseArgs } from 'node:util';
import { Refusal } from '../lib/run.mjs';

export const help = `Usage: npm start [-- options]

Starts Posthorn for development: MongoDB, Temporal, the API and a worker, all on 127.0.0.1.
Addresses and keys are written to <data directory>/dev.json.

Options
  --demo    send one event to a local receiver, check the signature, and exit
  --help    this text

Environment
  PORT               port of the API (8080, or any free one)
  POSTHORN_DATA_DIR  where state, logs and keys are kept (.data)
  TEMPORAL_ADDRESS   use this Temporal server instead of starting one; its namespace
                     (TEMPORAL_NAMESPACE) must not be another Posthorn's
  MONGODB_URL        use this MongoDB replica set instead of starting one`;

/** Unknown options are refused: a mistyped --demo must not start a permanent server. */
export function parseOptions(argv) {
  try {
    const options = { demo: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } };
    const { values } = parseArgs({ args: argv, options, allowPositionals: false });
    return { demo: values.demo ?? false, help: values.help ?? false };
  } catch (error) {
    throw new Refusal(`${error.message}\n\n${help}`);
  }
}
