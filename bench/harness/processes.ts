import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Sample } from './compare.ts';

/** The kernel's USER_HZ, the unit of CPU time in /proc: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

interface ProcessStat {
  readonly parent: number;
  readonly cpuSeconds: number;
  readonly residentBytes: number;
}

/** The usage of a process and its descendants; undefined on a system without /proc. */
export function usageOf(pid: number): { cpuSeconds: number; residentBytes: number } | undefined {
  const all = readAll();
  if (!all.has(pid)) return undefined;
  let cpuSeconds = 0;
  let residentBytes = 0;
  for (const [candidate, stat] of all) {
    if (!descends(candidate, pid, all)) continue;
    cpuSeconds += stat.cpuSeconds;
    residentBytes += stat.residentBytes;
  }
  return { cpuSeconds, residentBytes };
}

/**
 * The memory of a process and its descendants, in bytes. Memory that several processes share, as those of Postgres do,
 * counts once.
 */
export function memoryOf(pid: number): number {
  return [pid, ...descendantsOf(pid)].reduce((sum, one) => sum + proportionalBytes(one), 0);
}

/** The `Pss` of proc(5); 0 for a process that has ended. */
function proportionalBytes(pid: number): number {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return Number(/^Pss: +(\d+) kB$/m.exec(rollup)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** The running descendants of a process. */
export function descendantsOf(pid: number): readonly number[] {
  const all = readAll();
  return [...all.keys()].filter((candidate) => candidate !== pid && descends(candidate, pid, all));
}

function descends(pid: number, ancestor: number, all: ReadonlyMap<number, ProcessStat>): boolean {
  for (let at: number | undefined = pid; at; at = all.get(at)?.parent) {
    if (at === ancestor) return true;
  }
  return false;
}

function readAll(): ReadonlyMap<number, ProcessStat> {
  const stats = new Map<number, ProcessStat>();
  for (const name of entries()) {
    try {
      // The name of the command, in parentheses, may contain spaces: see proc(5).
      const fields = readFileSync(`/proc/${name}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      const field = (number: number) => Number(fields[number - 3]);
      stats.set(Number(name), {
        parent: field(4),
        // Includes children that have exited.
        cpuSeconds: (field(14) + field(15) + field(16) + field(17)) / TICKS_PER_SECOND,
        residentBytes: field(24) * 4096,
      });
    } catch {
      // The process has exited in the meantime.
    }
  }
  return stats;
}

function entries(): readonly string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** Processes that work through orders, and a count of the orders that are done. */
export interface Counted {
  readonly pids: Readonly<Record<string, number>>;
  readonly done: () => number | Promise<number>;
  /** Whether they have begun; by default, once an order is done. */
  readonly hasBegun?: () => Promise<boolean>;
  /** How often they are counted; by default, every 200 ms. */
  readonly pollMs?: number;
}

/** Counting costs Postgres, or the worker that counts, CPU time that is not for orders. */
const POLL_MS = 200;

/**
 * Measures the rate at which orders are done, per second, and the CPU milliseconds that each process spends
 * per order. The clock runs from the beginning of the work until `count` orders are done, so the time to start up is
 * not included.
 */
export async function measureRate(
  { pids, done, hasBegun = async () => (await done()) > 0, pollMs = POLL_MS }: Counted,
  count: number,
): Promise<Sample> {
  const isDone = async () => (await done()) >= count;
  const once = async (condition: () => Promise<boolean>) => {
    while (!(await condition())) await delay(pollMs);
    return { done: await done(), at: performance.now(), cpu: cpuOf(pids) };
  };
  const begin = await once(hasBegun);
  const end = await once(isDone);
  const orders = end.done - begin.done;
  return {
    value: orders / ((end.at - begin.at) / 1000),
    cpu: Object.fromEntries(
      Object.entries(end.cpu).map(([name, seconds]) => [
        name,
        ((seconds - (begin.cpu[name] ?? 0)) * 1000) / orders,
      ]),
    ),
  };
}

const cpuOf = (pids: Readonly<Record<string, number>>): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(pids).map(([name, pid]) => [name, usageOf(pid)?.cpuSeconds ?? 0]),
  );

/** The duration of some work in seconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1000;
}
