import type { Project } from '../../api/types';
import { texts } from '../../texts';
import { parseDelays, writeDelays } from '../webhook-form/durations';
import { parseFigure, parseFigureOrNone, writeFigure } from '../webhook-form/figures';

const words = texts.settings;

/** What the form has, as texts; empty is what is not said. */
export interface Draft {
  name: string;
  ownerEmail: string;
  externalId: string;
  plan: string;
  catalog: string;
  dispatch: '' | NonNullable<Project['dispatch']>;
  delays: string;
  timeoutSeconds: string;
  ratePerSecond: string;
  autoDisableAfter: string;
  backlogOrder: '' | NonNullable<Project['policy']['backlogOrder']>;
  maxWebhooks: string;
  retentionDays: string;
  portalOrigins: string;
}

/** By the API's fields. */
export type Problems = Partial<Record<string, string>>;

export function draftOf(project: Project): Draft {
  const { policy } = project;
  return {
    name: project.name,
    ownerEmail: project.ownerEmail ?? '',
    externalId: project.externalId ?? '',
    plan: project.plan ?? '',
    catalog: project.catalog ?? '',
    dispatch: project.dispatch ?? '',
    delays: policy.retryDelaysMs ? writeDelays(policy.retryDelaysMs) : '',
    timeoutSeconds: policy.timeoutMs === undefined ? '' : String(policy.timeoutMs / 1000),
    ratePerSecond: writeFigure(policy.ratePerSecond),
    autoDisableAfter: writeFigure(policy.autoDisableAfter),
    backlogOrder: policy.backlogOrder ?? '',
    maxWebhooks: writeFigure(policy.maxWebhooks),
    retentionDays: writeFigure(policy.retentionDays),
    portalOrigins: project.portalOrigins.join('\n'),
  };
}

const orNull = (text: string): string | null => (text.trim() === '' ? null : text.trim());

/** What the API takes, and what can't be sent. The API checks the rest. */
export function inputOf(draft: Draft): { input: Partial<Project>; problems: Problems } {
  const problems: Problems = {};
  const problemOf = (field: string) => (message: string) => {
    problems[`policy.${field}`] = message;
  };
  const figure = (field: string, text: string) => parseFigure(text, problemOf(field));
  const figureOrNone = (field: string, text: string) => parseFigureOrNone(text, problemOf(field));
  const delays = draft.delays.trim() === '' ? undefined : parseDelays(draft.delays);
  if (delays === null) problems['policy.retryDelaysMs'] = words.delaysInvalid;
  const timeoutSeconds = figure('timeoutMs', draft.timeoutSeconds);
  // The API would answer in milliseconds.
  if (timeoutSeconds !== undefined && (timeoutSeconds < 1 || timeoutSeconds > 60)) {
    problems['policy.timeoutMs'] = words.timeoutRange;
  }
  const policy: Project['policy'] = {
    timeoutMs: timeoutSeconds === undefined ? undefined : Math.round(timeoutSeconds * 1000),
    retryDelaysMs: delays ?? undefined,
    ratePerSecond: figureOrNone('ratePerSecond', draft.ratePerSecond),
    autoDisableAfter: figureOrNone('autoDisableAfter', draft.autoDisableAfter),
    backlogOrder: draft.backlogOrder === '' ? undefined : draft.backlogOrder,
    maxWebhooks: figure('maxWebhooks', draft.maxWebhooks),
    retentionDays: figure('retentionDays', draft.retentionDays),
  };
  return {
    problems,
    input: {
      name: draft.name.trim(),
      ownerEmail: orNull(draft.ownerEmail),
      externalId: orNull(draft.externalId),
      plan: orNull(draft.plan),
      catalog: orNull(draft.catalog),
      dispatch: draft.dispatch === '' ? null : draft.dispatch,
      policy,
      portalOrigins: draft.portalOrigins.split(/\s+/).filter((origin) => origin !== ''),
    },
  };
}
