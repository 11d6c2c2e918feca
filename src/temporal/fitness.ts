import { ScheduleNotFoundError, type Client, type Connection } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import type { Config } from '../config/config';
import { RECONCILE_SCHEDULES, SEARCH_ATTRIBUTES } from '../contracts/temporal';
import { greetingOf, whyUnreachable } from '../reachability';
import { GRPC, isRefusedWith, refusalOf } from './grpc';

const { IndexedValueType } = temporal.api.enums.v1;

/**
 * What `setup` still has to do in Temporal, in a few words; null: nothing.
 * @param options.onlyNamespace whether only the namespace is checked
 * @throws an error that `whyUnfit` explains, if Temporal can't be reached
 */
export async function whatIsMissing(
  client: Client,
  { onlyNamespace = false } = {},
): Promise<string | null> {
  const { namespace } = client.options;
  const of = `of Temporal's namespace ${namespace}`;
  try {
    await client.workflowService.describeNamespace({ namespace });
    if (onlyNamespace) return null;
    const wrong = await findWrongAttribute(client);
    if (wrong) return `the search attribute ${wrong} ${of} is missing, or is not a Keyword`;
    for (const scheduleId of Object.values(RECONCILE_SCHEDULES)) {
      await client.schedule.getHandle(scheduleId).describe();
    }
    return null;
  } catch (error) {
    if (error instanceof ScheduleNotFoundError)
      return `the schedule ${error.scheduleId} ${of} is missing`;
    if (isRefusedWith(error, GRPC.notFound))
      return `Temporal's namespace ${namespace} is missing (TEMPORAL_NAMESPACE)`;
    throw error;
  }
}

async function findWrongAttribute(client: Client): Promise<string | undefined> {
  const attributes = await searchAttributesOf(client.connection, client.options.namespace);
  if (attributes === null) return undefined;
  return Object.values(SEARCH_ATTRIBUTES)
    .map(({ name }) => name)
    .find((name) => attributes[name] !== IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD);
}

/**
 * The types of a namespace's own search attributes, by name; null: they can't be seen. A key of Temporal Cloud may be
 * allowed to run workflows but not to see these.
 */
export async function searchAttributesOf(
  { operatorService }: Pick<Connection, 'operatorService'>,
  namespace: string,
): Promise<Readonly<Record<string, temporal.api.enums.v1.IndexedValueType>> | null> {
  try {
    return (await operatorService.listSearchAttributes({ namespace })).customAttributes;
  } catch (error) {
    if (isRefusedWith(error, GRPC.permissionDenied, GRPC.unimplemented)) return null;
    throw error;
  }
}

/** For a Temporal that answers, but accepts nothing new. */
export const readOnly = ({ address }: Config['temporal']): string =>
  `Temporal at ${address} answers, but takes nothing new within 2 s; see whether its database is full, read-only, gone or slow`;

/** Why a call to Temporal failed, in one sentence with setting and address, without the key. */
export async function whyUnfit(
  { address, tls, apiKey }: Config['temporal'],
  error: unknown,
): Promise<string> {
  if (isRefusedWith(error, GRPC.unauthenticated, GRPC.permissionDenied)) {
    return `TEMPORAL_API_KEY: Temporal at ${address} rejects it; set a key that may use TEMPORAL_NAMESPACE`;
  }
  const secured = { tls: tls || apiKey !== undefined };
  const cause = await whyUnreachable(address, secured);
  if (cause !== null) {
    return `TEMPORAL_ADDRESS: Temporal can't be reached at ${address}: ${cause}; start it, or correct the setting`;
  }
  const greeting = await greetingOf(address, secured);
  if (greeting === 'none') {
    return `TEMPORAL_ADDRESS: ${address} accepts connections, but does not answer in time; it is overloaded, stopped, or not a Temporal server; in the last case correct the setting, or TEMPORAL_TLS`;
  }
  if (greeting === 'http2' && isRefusedWith(error, GRPC.deadlineExceeded)) {
    return `Temporal at ${address} does not answer in time: it or its database is slow or overloaded`;
  }
  if (greeting === 'http2' && isRefusedWith(error, GRPC.unavailable, GRPC.resourceExhausted)) {
    return `Temporal at ${address} can't take more at the moment: it is starting, stopping or overloaded`;
  }
  const { invalidArgument, failedPrecondition, internal } = GRPC;
  const refusal = refusalOf(error, invalidArgument, failedPrecondition, internal);
  if (greeting === 'http2' && refusal !== null) {
    return `Temporal at ${address} refuses what Posthorn needs: ${refusal}`;
  }
  return `TEMPORAL_ADDRESS: ${address} accepts connections, but does not answer like Temporal; correct the setting, or TEMPORAL_TLS`;
}
