import { say } from '../scripts/lib/console.mjs';
import { groupBy } from './group-by.mjs';

/** The result of a run, for people: the receivers, the strikes, the verdicts. */
export function report({
  loads,
  steerings,
  receipts,
  again,
  incidents,
  verdicts,
  left,
  quietSeconds,
  stack,
}) {
  const statuses = ['succeeded', 'failed', 'skipped', 'cancelled'];
  const rows = receipts.map(({ receiver, deliveries, unlogged }) => [
    receiver.name,
    deliveries.length,
    ...statuses.map((status) => deliveries.filter((delivery) => delivery.status === status).length),
    receiver.receipts.length,
    unlogged.length,
  ]);
  const kinds = groupBy(incidents, (incident) =>
    `${incident.strike} ${incident.parts
      .map((name) => name.split('-')[0])
      .toSorted()
      .join('+')}`.trim(),
  );
  const unasked = stack.parts.flatMap(({ name, unasked: times }) =>
    times.map((time) => `${name} at ${time.toISOString()}`),
  );
  say(`
${table([['receiver', 'deliveries', ...statuses, 'requests', 'not logged'], ...rows])}

${table([['strike', 'times'], ...[...kinds].toSorted(([a], [b]) => a.localeCompare(b)).map(([kind, { length }]) => [kind, length])])}

${sum(loads.map(({ accepted }) => accepted.size))} events accepted (${answers(loads)}), ${sum(steerings.map(({ replays }) => replays))} replays and ${sum(steerings.map(({ bulkReplays }) => bulkReplays))} bulk replays, ${sum(steerings.map(({ rotations }) => rotations))} rotations of secrets (${sum(receipts.map(({ receiver }) => receiver.receipts.filter(({ previous }) => previous).length))} requests signed by the former secret too), quiet after ${quietSeconds} s
${sum(receipts.map(({ unlogged }) => unlogged.length))} requests twice as their worker died before the log, ${again} after a logged success
ended by themselves: ${unasked.join(', ') || 'none'}
${Object.keys(left).length > 0 ? `NOT QUIET: ${JSON.stringify(left)}\n` : ''}`);
  for (const { title, problems } of verdicts) {
    say(
      `  ${problems.length === 0 ? '✔' : '✘'} ${title}${problems.length > 0 ? `: ${problems.length}` : ''}`,
    );
    for (const problem of problems.slice(0, 10)) say(`      ${problem}`);
  }
}

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

/** How often each status was returned, over all loads. */
function answers(loads) {
  const byStatus = groupBy(
    loads.flatMap(({ statuses }) => [...statuses]),
    ([status]) => status,
  );
  return [...byStatus]
    .map(([status, all]) => `${sum(all.map(([, count]) => count))} × ${status || 'no answer'}`)
    .join(', ');
}

/** Rows of cells as aligned text; the first row is the header. */
function table(rows) {
  const widths = rows[0].map((_, column) =>
    Math.max(...rows.map((row) => String(row[column]).length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          typeof cell === 'number'
            ? String(cell).padStart(widths[column])
            : cell.padEnd(widths[column]),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
