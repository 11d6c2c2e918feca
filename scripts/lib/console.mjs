/**
 * What scripts print while they work: one line per step with its duration, and a start line only for
 * steps slow enough that silence would look like a hang.
 */
const slowAfterMs = 1000;
const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code, text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);

// A closed terminal must not turn a graceful stop into a crash.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

export function say(text = '') {
  process.stdout.write(`${text}\n`);
}

export function note(text) {
  say(`  ${paint('33', '!')} ${text}`);
}

export function fail(text) {
  process.stderr.write(`  ${paint('31', '✘')} ${text}\n`);
}

export function seconds(sinceMs) {
  return `${((Date.now() - sinceMs) / 1000).toFixed(1)} s`;
}

let ending = false;
const never = new Promise(() => {});

/** When a script ends: what is stopped then is told, but no step that it cuts off, and nothing follows from one. */
export function cutOffSteps() {
  ending = true;
}

/**
 * Runs `work` as a named step. A string that it returns is shown in the finished line. `optional`: there is a
 * fallback when it fails, so the caller reports the failure.
 */
export async function step(label, work, { optional = false } = {}) {
  const startedMs = Date.now();
  const isStop = ending;
  const slow = setTimeout(() => {
    if (isStop || !ending) say(`  ${paint('2', `· ${label} …`)}`);
  }, slowAfterMs);
  try {
    const result = await work();
    if (ending && !isStop) return await never;
    const detail = typeof result === 'string' ? `: ${result}` : '';
    say(`  ${paint('32', '✔')} ${label}${detail} ${paint('2', `(${seconds(startedMs)})`)}`);
    return result;
  } catch (error) {
    if (ending && !isStop) return await never;
    if (!optional) fail(`${label} (${seconds(startedMs)})`);
    throw error;
  } finally {
    clearTimeout(slow);
  }
}

/**
 * Progress of a download: a bar that redraws itself on a terminal, a line per quarter elsewhere.
 * Returns `update(receivedBytes, totalBytes)` and `done()`.
 */
export function progress(label) {
  const megabytes = (bytes) => (bytes / 1e6).toFixed(0);
  let lastQuarter = 0;
  let lastDrawnMs = 0;
  return {
    update(received, total) {
      const share = total ? Math.min(received / total, 1) : 0;
      if (process.stdout.isTTY) {
        if (Date.now() - lastDrawnMs < 100 && share < 1) return;
        lastDrawnMs = Date.now();
        const filled = Math.round(share * 30);
        const bar = '█'.repeat(filled) + '░'.repeat(30 - filled);
        process.stdout.write(
          `\r\x1b[2K    ${label} ${bar} ${megabytes(received)}/${total ? megabytes(total) : '?'} MB`,
        );
        return;
      }
      const quarter = Math.floor(share * 4);
      if (quarter > lastQuarter) {
        lastQuarter = quarter;
        say(`    ${label}: ${quarter * 25} % of ${megabytes(total)} MB`);
      }
    },
    done() {
      if (process.stdout.isTTY) process.stdout.write('\r\x1b[2K');
    },
  };
}
