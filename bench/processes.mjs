/** CPU time and memory of processes, from Linux's /proc; undefined where there is none. */
import { readFileSync, writeFileSync } from 'node:fs';

/** USER_HZ, which is 100 on every Linux that Node runs on. */
const msPerTick = 10;

/** CPU milliseconds that a process has used. */
function cpuMs(pid) {
  try {
    // The name in parentheses may contain anything.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * msPerTick;
  } catch {
    return undefined;
  }
}

/** Its highest resident memory since `forgetPeak`, in MB. */
function peakMb(pid) {
  try {
    const [, kb] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(kb) / 1000;
  } catch {
    return undefined;
  }
}

function forgetPeak(pid) {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    // Then it is the highest since the process began.
  }
}

/** undefined if one of them is, or there is none. */
const sum = (values) =>
  values.length === 0 || values.includes(undefined) ? undefined : values.reduce((a, b) => a + b, 0);

/**
 * Measures named groups of processes, `{name: [pid, …]}`, from now on.
 * Returns `end()`: by name, `{cpuMs, peakMb}`, each the sum of its processes.
 */
export function measureProcesses(processes) {
  const groups = Object.entries(processes).filter(([, pids]) => pids.length > 0);
  for (const [, pids] of groups) pids.forEach(forgetPeak);
  const before = groups.map(([, pids]) => sum(pids.map(cpuMs)));
  return () =>
    Object.fromEntries(
      groups.map(([name, pids], at) => {
        const after = sum(pids.map(cpuMs));
        const used = after === undefined ? undefined : after - before[at];
        return [name, { cpuMs: used, peakMb: sum(pids.map(peakMb)) }];
      }),
    );
}
