export const keys = { title: 'API keys', done: { revoked: 'The key was revoked' } };
