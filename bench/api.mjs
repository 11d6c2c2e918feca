import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createApi, mustCall } from '../scripts/start/api.mjs';

export const dev = JSON.parse(
  readFileSync(join(process.env.POSTHORN_DATA_DIR ?? '.data', 'dev.json')),
);
const api = createApi(dev.apiUrl, dev.adminKey);

/** Calls the Posthorn that `npm start` has started, for a project if one is named; returns the data. */
export const call = (method, path, projectId, body) =>
  mustCall(api, method, path, body, projectId && { 'x-project-id': projectId });
