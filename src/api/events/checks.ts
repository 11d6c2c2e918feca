import type { Logger } from 'pino';
import { judgeBodies, type BodiesInput } from '../../tenant-cpu/filters';
import type { Outcome, TenantCpu } from '../../tenant-cpu/tenant-cpu';
import {
  checkData,
  markTests,
  readEvents,
  type DataCheck,
  type DefinitionInput,
  type EventsInput,
  type EventsRead,
  type Refusal,
} from './body-checks';
import type { FieldProblem } from '../../contracts/errors';
import { filterProblems } from '../../domain/filter-problems';
import type { ProviderReport } from '../../providers';
import { ApiError, invalid, rateLimited } from '../http/errors';
import { NEVER_CHECKED } from './json-schema';
import { readReports, type ReportsInput, type UnreadReport } from '../platform/native-reports';
import { isFine, type Found } from '../http/problems';

/**
 * Bytes of a body, and of data for a profile's types, up to which it is checked in this process: at most a
 * millisecond or two, mostly less than a round trip to another process (docs/adr/0026).
 */
const INLINE_BYTES = 16 * 1024;

/** Reads and checks bodies; large ones, and those with a project's own schema, in child processes. */
export class Checks {
  constructor(
    private readonly tenantCpu: TenantCpu,
    private readonly log: Logger,
  ) {}

  /**
   * @param owner whose budget it is (`shareOf`)
   * @throws ApiError for what isn't JSON or can't be stored, 429 if the budget is used up
   */
  async readEvents(owner: string, input: EventsInput): Promise<EventsRead> {
    const { length } = input.bytes;
    if (length <= INLINE_BYTES) return orRefused(readEvents(input));
    const outcome = await this.tenantCpu.run(owner, 'readEvents', input, length);
    const field = input.isBatch ? 'events' : 'body';
    const message = 'take too long to read, or need too much memory; send less at once';
    return orRefused(finished(outcome, field, message));
  }

  /** @throws ApiError 429 if the budget is used up: before much is read for what it would refuse */
  askBudget(owner: string): void {
    const waitMs = this.tenantCpu.waitMs(owner);
    if (waitMs > 0) throw usedUp(waitMs);
  }

  /** What is wrong with the data of each event. */
  async checkData(owner: string, checks: readonly DataCheck[]): Promise<Found[]> {
    if (isCheap(checks)) return checkData(checks);
    const outcome = await this.tenantCpu.run(owner, 'checkData', checks, bytesOf(checks));
    const message = 'take too long to check against their schemas; send fewer at once';
    const found =
      checks.length === 1
        ? finished(outcome, checks[0]!.at.join('.'), NEVER_CHECKED)
        : finished(outcome, 'events', message);
    const bug = found.find((one) => one.bug !== undefined)?.bug;
    if (bug !== undefined) this.log.error({ owner, bug }, 'a schema could not check data');
    return found;
  }

  /** Samples as the data of test events. */
  async markTests(owner: string, samples: readonly DataCheck[]): Promise<string[]> {
    if (isCheap(samples)) return markTests(samples);
    const outcome = await this.tenantCpu.run(owner, 'markTests', samples, bytesOf(samples));
    const message =
      'have samples that take too long to check against their schemas; name fewer at once';
    return finished(outcome, 'events', message);
  }

  /** What is wrong with the definition of an event type. */
  async checkDefinition(owner: string, definition: DefinitionInput): Promise<Found> {
    const bytes = definition.schema.length + definition.sample.length;
    const outcome = await this.tenantCpu.run(owner, 'checkDefinition', definition, bytes);
    const found = finished(outcome, 'schema', 'takes too long to compile');
    if (!isFine(found)) return found;
    const { schema, sample: text } = definition;
    const [sampled] = await this.checkData(owner, [{ rule: { schema }, text, at: ['sample'] }]);
    return sampled!;
  }

  /** What is wrong with a webhook's filter. */
  async checkFilter(owner: string, filter: unknown): Promise<FieldProblem[]> {
    const json = JSON.stringify(filter ?? null);
    // Without a pattern only its limits need checking.
    if (!json.includes('"$regex"')) return filterProblems(filter);
    const outcome = await this.tenantCpu.run(owner, 'checkFilter', json, json.length);
    return finished(outcome, 'filter', 'takes too long to compile');
  }

  /** For each of several events' envelopes, whether its data has the value. */
  async judgeBodies(owner: string, input: BodiesInput): Promise<boolean[]> {
    const length = input.bodies.reduce((sum, body) => sum + body.length, 0);
    if (length <= INLINE_BYTES) return judgeBodies(input);
    const outcome = await this.tenantCpu.run(owner, 'judgeBodies', input, length);
    return finished(outcome, 'q', 'takes too long to look for');
  }

  /**
   * The reports in a provider's own body.
   * @throws ApiError as `readEvents`; 401 if the signature is wrong
   */
  async readReports(
    owner: string,
    input: ReportsInput,
  ): Promise<(ProviderReport | UnreadReport)[]> {
    const { length } = input.bytes;
    if (length <= INLINE_BYTES) return orRefused(readReports(input));
    const outcome = await this.tenantCpu.run(owner, 'readReports', input, length);
    return orRefused(finished(outcome, 'body', 'takes too long to read'));
  }

  /**
   * Checks a body before it is parsed in this process.
   * @throws ApiError if it must not be parsed
   */
  async inspect(owner: string, bytes: Uint8Array): Promise<void> {
    if (bytes.length <= INLINE_BYTES) return;
    const outcome = await this.tenantCpu.run(owner, 'inspectBody', bytes, bytes.length);
    orRefused(finished(outcome, 'body', 'takes too long to read'));
  }
}

/** The bytes of their texts, and of each schema once: this many are kept while they wait. */
function bytesOf(checks: readonly DataCheck[]): number {
  const schemas = checks.flatMap(({ rule }) => ('schema' in rule ? rule.schema : []));
  const texts = [...new Set(schemas), ...checks.map(({ text }) => text)];
  return texts.reduce((sum, { length }) => sum + length, 0);
}

/** Any schema of a project's own may take forever. */
const isCheap = (checks: readonly DataCheck[]): boolean =>
  checks.every(({ rule }) => !('schema' in rule)) && bytesOf(checks) <= INLINE_BYTES;

/** @throws ApiError 429; 422 for what was aborted */
function finished<T>(outcome: Outcome<T>, field: string, message: string): T {
  if (outcome.end === 'done') return outcome.output;
  if (outcome.end === 'cut') throw invalid([{ field, message }]);
  throw usedUp(outcome.waitMs);
}

function usedUp(waitMs: number): ApiError {
  return rateLimited(
    waitMs,
    'this project has used up its CPU time for reading, checking and searching events; try again later (see Retry-After), with fewer events at once, less data or a simpler schema',
  );
}

/** @throws ApiError */
export function orRefused<T>(answer: T | Refusal): T {
  if (typeof answer === 'object' && answer !== null && 'refused' in answer) {
    const { code, message, details } = answer.refused;
    throw new ApiError(code, message, details);
  }
  return answer;
}
