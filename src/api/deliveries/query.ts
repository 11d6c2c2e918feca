import { z } from 'zod';
import { ATTEMPT_ERROR_CODES, DELIVERY_STATUSES } from '../../contracts/delivery';
import { idPattern } from '../../contracts/ids';
import { getProfile, typeNamed } from '../../profiles';
import type { DeliveryFilter, StatusCodes } from '../../store/delivery-filter';
import type { ProjectRecord } from '../../store/projects';
import type { Store } from '../../store/store';
import { exportFields } from '../exports/exports';
import { webhookIdOf } from '../http/references';
import { orderQuery, pageQuery, rangeQuery, severalOf, severalWords } from '../http/validation';
import { reference, typeFilter } from '../schemas/fields';

const MAX_STATUS_CODES = 20;

/** The filters by which deliveries are listed. */
const deliveryFilters = {
  ...rangeQuery,
  webhookId: reference('webhook').optional(),
  eventId: z.string().regex(idPattern('event'), 'is not an event id').optional(),
  status: severalWords(DELIVERY_STATUSES)
    .optional()
    .describe('Deliveries in this state, or in one of several, separated by commas.'),
  type: typeFilter,
  statusCode: severalOf<string>('[1-9](?:[0-9]{2}|[xX]{2})', {
    message: `must be a status code such as 500, or a class such as 5xx; or up to ${MAX_STATUS_CODES} of these, separated by commas`,
    max: MAX_STATUS_CODES,
  })
    .optional()
    .describe(
      'By the status code of the last attempt: `500`, the class `5xx`, or several, separated by commas. With `errorCode`: deliveries that match either. Codes from 200 to 299 are not indexed: a page may then have fewer items than `limit`, or none, and still have a `nextCursor`.',
    ),
  errorCode: severalWords(ATTEMPT_ERROR_CODES)
    .optional()
    .describe(
      'By the error code of the last attempt, for those without an answer; or by several, separated by commas.',
    ),
};

export const deliveriesQuery = z.strictObject({
  ...pageQuery('delivery'),
  ...orderQuery,
  ...deliveryFilters,
});

export const deliveriesExportQuery = z.strictObject({ ...deliveriesQuery.shape, ...exportFields });

type Filters = Omit<z.infer<z.ZodObject<typeof deliveryFilters>>, 'since' | 'until'>;

/**
 * The filter that a query asks for.
 * @throws ApiError 404 if no webhook has that external id
 */
export async function deliveryFilterOf(
  store: Store,
  project: ProjectRecord,
  { webhookId, eventId, status, type, statusCode, errorCode }: Filters,
): Promise<DeliveryFilter> {
  return {
    ...(webhookId !== undefined && { webhookId: await webhookIdOf(store, project, webhookId) }),
    ...(eventId !== undefined && { eventId }),
    ...(status && { statuses: status }),
    ...(type !== undefined && { eventType: typeNamed(getProfile(project.profile), type) }),
    ...((statusCode ?? errorCode) && {
      lastAttempt: {
        statusCodes: (statusCode ?? []).map(codesOf),
        errorCodes: errorCode ?? [],
      },
    }),
  };
}

function codesOf(codes: string): StatusCodes {
  if (!/xx$/i.test(codes)) return [Number(codes), Number(codes)];
  const first = Number(codes[0]) * 100;
  return [first, first + 99];
}
