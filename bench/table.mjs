const number = (value) => {
  if (value === undefined || Number.isNaN(value)) return '–';
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
};
const whole = (value) => (value === undefined ? '–' : String(value));
const ratio = (value, other) =>
  value === undefined || other === undefined ? '–' : `${number(value / other)}×`;

const SPEED = {
  'accepted/s': ({ figures }) => number(figures.acceptedPerSecond),
  'API p50': ({ figures }) => number(figures.apiP50Ms),
  'p99 ms': ({ figures }) => number(figures.apiP99Ms),
  'delivered/s': ({ figures }) => number(figures.deliveriesPerSecond),
  'received p50': ({ figures }) => number(figures.receiptP50Ms),
  p95: ({ figures }) => number(figures.receiptP95Ms),
  'p99 ms ': ({ figures }) => number(figures.receiptP99Ms),
  '/raw': ({ figures, raw }) => ratio(figures.deliveriesPerSecond, raw?.deliveriesPerSecond),
  '/bare': ({ figures, bare }) => ratio(figures.deliveriesPerSecond, bare?.deliveriesPerSecond),
  lost: ({ figures }) => whole(figures.lost),
  'not logged': ({ figures }) => whole(figures.notLogged),
  twice: ({ figures }) => whole(figures.duplicates),
};

const COST = {
  'CPU ms': ({ figures }) => number(figures.cpuMs),
  ...Object.fromEntries(
    ['api', 'worker', 'temporal', 'mongod'].map((name) => [
      name,
      ({ figures }) => number(figures.cpuMsByProcess[name]),
    ]),
  ),
  'history events': ({ figures }) => number(figures.historyEvents),
  bytes: ({ figures }) => number(figures.historyBytes),
  'MongoDB commands': ({ figures }) => number(figures.mongoCommands),
  'peak MB': ({ figures }) => number(figures.peakMb),
};

/** Rows as lines: numbers to the right, below their headings. */
function lines(columns, rows) {
  const head = ['load', 'mode', ...Object.keys(columns).map((name) => name.trim())];
  const cells = rows.map((row) => [
    row.load,
    row.mode,
    ...Object.values(columns).map((cell) => cell(row)),
  ]);
  const widths = head.map((_, at) => Math.max(...[head, ...cells].map((line) => line[at].length)));
  return [head, ...cells].map((line) =>
    line
      .map((cell, at) => (at < 2 ? cell.padEnd(widths[at]) : cell.padStart(widths[at])))
      .join('  '),
  );
}

/** The results as text: `[{load, mode, figures}]`, compared with `raw` and `bare` under the same load. */
export function tableOf(results) {
  const find = (load, mode) =>
    results.find((result) => result.load === load && result.mode === mode)?.figures;
  const rows = results.map((result) => ({
    ...result,
    raw: find(result.load, 'raw'),
    bare: find(result.load, 'bare'),
  }));
  return [...lines(SPEED, rows), '', 'Each delivery costs:', ...lines(COST, rows)].join('\n');
}
