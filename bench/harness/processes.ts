import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Sample } from './compare.ts';

/** Of the kernel's clock by which /proc counts; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

interface ProcessStat {
  readonly parent: number;
  readonly cpuSeconds: number;
  readonly residentBytes: number;
}

/** What a process and all that it has started use; undefined where the system has no /proc. */
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

/** All that the process has started, and what those have, as far as they run. */
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
      // The command's name, in brackets, may have spaces in it. See proc(5).
      const fields = readFileSync(`/proc/${name}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      const field = (number: number) => Number(fields[number - 3]);
      stats.set(Number(name), {
        parent: field(4),
        // With that of children which have ended.
        cpuSeconds: (field(14) + field(15) + field(16) + field(17)) / TICKS_PER_SECOND,
        residentBytes: field(24) * 4096,
      });
    } catch {
      // It has ended meanwhile.
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

/** Something that works through a number of orders, and can be asked how far it is. */
export interface Counted {
  readonly pids: Readonly<Record<string, number>>;
  readonly done: () => number | Promise<number>;
}

const POLL_MS = 50;

/**
 * Measures how many orders a second come to an end, and the CPU milliseconds that each of the
 * processes spends on one. The clock runs from when the first is done to when `count` are: the time to
 * start up is not counted, and all that the orders take is.
 */
export async function measureRate({ pids, done }: Counted, count: number): Promise<Sample> {
  const reached = async (goal: number) => {
    for (;;) {
      const now = await done();
      if (now >= goal) return { done: now, at: performance.now(), cpu: cpuOf(pids) };
      await delay(POLL_MS);
    }
  };
  const begin = await reached(1);
  const end = await reached(count);
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

/** The seconds that some work takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1000;
}
