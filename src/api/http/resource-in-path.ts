import type { Request, Response } from 'express';
import type { Resource } from '../../contracts/ids';
import { projectOf } from './auth';
import { notFound } from './errors';
import { pathId } from './validation';

/**
 * The resource whose id is in the path, in the request's project.
 * @throws ApiError 404
 */
export async function resourceInPath<T>(
  req: Request,
  res: Response,
  resource: Resource,
  repository: { get(projectId: string, id: string): Promise<T | null> },
): Promise<T> {
  const found = await repository.get(projectOf(res)._id, pathId(req, resource));
  if (!found) throw notFound(`the ${resource}`);
  return found;
}
