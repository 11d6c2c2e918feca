import { createApi, mustCall } from '../scripts/start/api.mjs';

/**
 * Calls an API with the admin's key, for a project if one is named; the data of the answer.
 * `(method, path, projectId, body)`
 */
export function callerOf({ apiUrl, adminKey }) {
  const api = createApi(apiUrl, adminKey);
  return (method, path, projectId, body) =>
    mustCall(api, method, path, body, projectId && { 'x-project-id': projectId });
}
