import { Refusal } from '../scripts/lib/run.mjs';
import { MODES } from './contenders.mjs';

/** With each load, whom it is for unless `--modes` says otherwise: thousands take workflows minutes. */
const MEASURED = [
  ['2000x1', ['raw', 'auto', 'express']],
  ['300x1', ['raw', 'bare', 'workflow']],
  ['20x20', MODES],
  ['200x20', ['raw', 'auto', 'express']],
  ['3x100', ['raw', 'bare', 'workflow']],
  ['10/s', ['bare', 'workflow']],
  ['20/s', ['auto', 'express']],
  ['100/s', ['auto', 'express']],
];

/** `{name, events, webhooks, perSecond?}` of a name such as `200x20` or `100/s`. */
function parseLoad(name, seconds) {
  const [, events, webhooks] = /^(\d+)x(\d+)$/.exec(name) ?? [];
  if (events > 0 && webhooks > 0) {
    return { name, events: Number(events), webhooks: Number(webhooks) };
  }
  const [, perSecond] = /^(\d+)\/s$/.exec(name) ?? [];
  if (perSecond > 0) {
    return { name, events: perSecond * seconds, webhooks: 1, perSecond: Number(perSecond) };
  }
  throw new Refusal(
    `--only: ${name} is not a load; give EVENTSxWEBHOOKS or EVENTS/s, such as 200x20`,
  );
}

/** The loads to measure, each with its modes. */
export function loadsOf({ only, modes, backlog, seconds }) {
  const wrong = modes?.find((mode) => !MODES.includes(mode));
  if (wrong !== undefined) {
    throw new Refusal(`--modes: ${wrong} is not a mode; there are ${MODES.join(', ')}`);
  }
  const usual = [...MEASURED, ...(backlog ? [[`${backlog}x1`, ['auto', 'express']]] : [])];
  const names = only ?? (backlog ? [`${backlog}x1`] : usual.map(([name]) => name));
  return names.map((name) => {
    const known = usual.find(([usualName]) => usualName === name)?.[1] ?? MODES;
    return {
      ...parseLoad(name, seconds),
      modes: modes ? MODES.filter((mode) => modes.includes(mode)) : known,
    };
  });
}
