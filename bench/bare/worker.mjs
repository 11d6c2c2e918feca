/** A worker with Posthorn's own options (src/temporal/worker.ts), but only the bare workflows and one activity. */
import { createRequire } from 'node:module';
import { distMain } from '../../scripts/lib/paths.mjs';
import { createPoster } from '../post.mjs';
import { signedDelivery } from '../sample.mjs';
import { bareBundle, bareQueue, configOf } from './names.mjs';

const { createWorker } = createRequire(distMain)('./temporal/worker.js');
const config = configOf('worker');
const post = createPoster(config.maxAttempts);
const activities = {
  send: async ({ run, n, webhook, url }) => {
    const { headers, body } = signedDelivery(run, n, webhook);
    await post(url, headers, body);
  },
};
const bundle = bareBundle(process.argv[2]);
const worker = await createWorker(config, activities, { taskQueue: bareQueue, bundle });
process.once('SIGTERM', worker.shutdown);
await worker.run();
process.exit();
