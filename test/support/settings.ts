import { ConfigError, loadConfig, type Role } from '../../src/config/config';

/** All that no role starts without. */
export const required = {
  MONGODB_URL: 'mongodb://127.0.0.1:27017/posthorn',
  POSTHORN_ADMIN_KEY: 'an-admin-key-of-24-chars-or-more',
  POSTHORN_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
};

export function problemsOf(
  environment: Record<string, string>,
  role: Role = 'all',
): readonly string[] {
  try {
    loadConfig(role, environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}
