import { createApi, mustCall } from './api.mjs';

const name = 'First project';

/**
 * Makes sure that there is a first project with a key with the role `owner`.
 * `known` comes from an earlier dev.json; it is kept as long as the API accepts it.
 * Returns `{projectId, projectKey}`.
 */
export async function ensureFirstProject({ apiUrl, adminKey, known }) {
  if (known?.projectKey && (await stillWorks(apiUrl, known))) {
    return { projectId: known.projectId, projectKey: known.projectKey };
  }
  const admin = createApi(apiUrl, adminKey);
  const project = (await findProject(admin)) ?? (await createProject(admin));
  // A key is shown only once, so one that we no longer know is replaced.
  const key = await mustCall(admin, 'POST', `/v1/projects/${project.id}/keys`, {
    name: 'npm start',
    role: 'owner',
  });
  return { projectId: project.id, projectKey: key.key };
}

async function stillWorks(apiUrl, { projectId, projectKey }) {
  const { status, data } = await createApi(apiUrl, projectKey)('GET', '/v1/webhooks?limit=1');
  // Anything else, such as a database that is gone, says nothing about the key.
  if (status === 401) return false;
  return (data?.webhooks ?? []).every((webhook) => webhook.projectId === projectId);
}

async function findProject(admin) {
  const { projects } = await mustCall(admin, 'GET', '/v1/projects?limit=100');
  return projects.find((project) => project.name === name && project.profile === 'autosend');
}

function createProject(admin) {
  return mustCall(admin, 'POST', '/v1/projects', { name, profile: 'autosend' });
}
