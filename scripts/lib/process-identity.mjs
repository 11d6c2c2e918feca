import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

/**
 * Identifies one process permanently: pids are reused, so a pid in an old file means nothing without
 * the time at which that process started.
 */
export function identify(pid) {
  return { pid, startedAt: startTime(pid) };
}

export function isAlive(identity) {
  if (!identity?.pid) return false;
  const startedAt = startTime(identity.pid);
  return startedAt !== undefined && startedAt === identity.startedAt;
}

/** The npm that runs us, if any; there may be a shell between it and us. */
export function runningNpm() {
  if (!process.env.npm_lifecycle_event) return undefined;
  const parent = inspect(process.ppid);
  const isShell = /^(ba|da|z|k)?sh$/.test(parent?.name ?? '');
  return identify(isShell ? parent.parent : process.ppid);
}

/** On Linux. */
export function isInGroup(pid, group) {
  return inspect(pid)?.group === group;
}

/** Opaque, equal for the same process only; undefined for one that is gone (or a zombie). */
function startTime(pid) {
  const { state, startedAt } = inspect(pid) ?? {};
  return state?.startsWith('Z') ? undefined : startedAt;
}

/** `{name, state, parent, startedAt}`, on Linux with `group`; undefined when there is no such process. */
function inspect(pid) {
  try {
    return process.platform === 'linux' ? readProc(pid) : askPs(pid);
  } catch {
    return undefined;
  }
}

/** proc(5): `pid (name) state ppid pgrp …`, the 22nd field being the start time. */
function readProc(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name may contain spaces and parentheses.
  const nameEnd = stat.lastIndexOf(')');
  const fields = stat.slice(nameEnd + 2).split(' ');
  return {
    name: stat.slice(stat.indexOf('(') + 1, nameEnd),
    state: fields[0],
    parent: Number(fields[1]),
    group: Number(fields[2]),
    startedAt: fields[19],
  };
}

function askPs(pid) {
  const ask = (field) =>
    execFileSync('ps', ['-o', `${field}=`, '-p', String(pid)], { encoding: 'utf8' }).trim();
  return {
    name: basename(ask('comm')),
    state: ask('state'),
    parent: Number(ask('ppid')),
    startedAt: ask('lstart'),
  };
}
