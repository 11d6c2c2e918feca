import { readJson } from '../../../../src/domain/json-text';
import type { WebhookInput } from '../../api/webhooks';
import type { Policy, SigningScheme, Webhook } from '../../api/types';
import { texts } from '../../texts';
import { parseDelays, writeDelays } from './durations';
import { parseFigure, parseFigureOrNone, writeFigure } from './figures';

const words = texts.webhooks.form;

/** What the form holds while it is being filled in. */
export interface Draft {
  name: string;
  url: string;
  description: string;
  events: ReadonlySet<string>;
  /** JSON; empty: none. */
  filter: string;
  headers: readonly { key: number; name: string; value: string }[];
  /** null: as the project signs. */
  signing: readonly SigningScheme[] | null;
  secret: string;
  /** Texts of `policy.retryDelaysMs` and the figures; empty: the project's. */
  delays: string;
  timeoutSeconds: string;
  autoDisableAfter: string;
  ratePerSecond: string;
  backlogOrder: '' | 'oldest_first' | 'newest_first';
}

/** What each part of the form gets. */
export interface FieldsProps {
  draft: Draft;
  isNew: boolean;
  onChange: (changes: Partial<Draft>) => void;
  errorOf: (field: string) => string | undefined;
}

export const EMPTY: Draft = {
  name: '',
  url: '',
  description: '',
  events: new Set(['*']),
  filter: '',
  headers: [],
  signing: null,
  secret: '',
  delays: '',
  timeoutSeconds: '',
  autoDisableAfter: '',
  ratePerSecond: '',
  backlogOrder: '',
};

export function draftOf(webhook: Webhook): Draft {
  const { policy, filter } = webhook;
  return {
    name: webhook.name,
    url: webhook.url,
    description: webhook.description ?? '',
    events: new Set(webhook.events),
    filter: filter === null ? '' : JSON.stringify(filter, null, 2),
    headers: Object.entries(webhook.headers ?? {}).map(([name, value], key) => ({
      key,
      name,
      value,
    })),
    signing: webhook.signing,
    secret: '',
    delays: policy.retryDelaysMs ? writeDelays(policy.retryDelaysMs) : '',
    timeoutSeconds: policy.timeoutMs === undefined ? '' : String(policy.timeoutMs / 1000),
    autoDisableAfter: writeFigure(policy.autoDisableAfter),
    ratePerSecond: writeFigure(policy.ratePerSecond),
    backlogOrder: policy.backlogOrder ?? '',
  };
}

/** By field: those that can't be sent as they are. The API checks everything else. */
export type DraftErrors = Partial<Record<string, string>>;

export function inputOf(draft: Draft): { input: WebhookInput; errors: DraftErrors } {
  const errors: DraftErrors = {};
  const errorOf = (field: keyof Policy) => (message: string) => {
    errors[`policy.${field}`] = message;
  };
  const delays = draft.delays.trim() === '' ? undefined : parseDelays(draft.delays);
  if (delays === null) errors['policy.retryDelaysMs'] = words.delaysInvalid;
  const filter = readFilter(draft.filter);
  if (filter.error !== undefined) errors.filter = filter.error;
  if (draft.events.size === 0) errors.events = words.noneChosen;
  const timeoutSeconds = parseFigure(draft.timeoutSeconds, errorOf('timeoutMs'));
  const policy: Policy = {
    timeoutMs: timeoutSeconds === undefined ? undefined : Math.round(timeoutSeconds * 1000),
    retryDelaysMs: delays ?? undefined,
    autoDisableAfter: parseFigureOrNone(draft.autoDisableAfter, errorOf('autoDisableAfter')),
    ratePerSecond: parseFigureOrNone(draft.ratePerSecond, errorOf('ratePerSecond')),
    backlogOrder: draft.backlogOrder === '' ? undefined : draft.backlogOrder,
  };
  const named = draft.headers.filter(({ name, value }) => name.trim() !== '' || value !== '');
  return {
    errors,
    input: {
      name: draft.name.trim(),
      description: draft.description.trim() === '' ? null : draft.description.trim(),
      events: [...draft.events],
      headers: Object.fromEntries(named.map(({ name, value }) => [name.trim(), value.trim()])),
      filter: filter.value,
      policy,
      ...(draft.signing && { signing: [...draft.signing] }),
    },
  };
}

export const linesOf = (problems: readonly { field: string; message: string }[]): string =>
  problems.map(({ field, message }) => `${field} ${message}`.trim()).join('; ');

/** The filter that is written there, or why there is none. */
export function readFilter(text: string): {
  value: Record<string, unknown> | null;
  error?: string;
} {
  if (text.trim() === '') return { value: null };
  try {
    // The API would get what JavaScript makes of it, and could not say what was rounded or given twice.
    const { value, problems } = readJson(text, []);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return { value: null, error: words.filterObject };
    }
    if (problems.length > 0) return { value: null, error: linesOf(problems) };
    return { value: value as Record<string, unknown> };
  } catch (error) {
    return { value: null, error: words.filterJson((error as Error).message) };
  }
}
