import { createLoad } from '../../fault/harness/load.ts';
import { createRandom } from '../../fault/harness/random.ts';
import { PARTITIONS, type LoadedWorld } from '../../fault/harness/world.ts';
import { eventually, FinalError } from '../../support/eventually.ts';
import type { ProgramEnv, RunningProgram } from '../../support/programs.ts';
import type { OnUndo } from '../../support/set-up.ts';
import { createTestSystem } from '../../support/system.ts';
import { OPTIONS } from './options.ts';

/** The topic, tables, load and programs of one upgrade. */
export interface LoadedSystem extends LoadedWorld {
  /** Every program that was started. */
  readonly programs: readonly RunningProgram[];
  startBridge(env?: ProgramEnv, main?: string): Promise<RunningProgram>;
  startWorker(env?: ProgramEnv, main?: string): Promise<RunningProgram>;
  startSending(): void;
  /** Repeats the check until it no longer throws. If sending fails meanwhile, throws that error at once. */
  whileSending(check: () => Promise<void> | void, timeoutMs: number): Promise<void>;
  /** Waits until this many messages have been sent. */
  sentAtLeast(count: number): Promise<void>;
  stopSending(): Promise<void>;
}

export async function startLoadedSystem(
  addresses: { readonly kafka: string; readonly temporal: string; readonly databaseUrl?: string },
  onUndo: OnUndo,
): Promise<LoadedSystem> {
  const { kafka, temporal, databaseUrl } = addresses;
  const system = await createTestSystem({
    partitions: PARTITIONS,
    brokers: kafka,
    temporalAddress: temporal,
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
  });
  onUndo(() => system.close());
  const load = createLoad(kafka, system.topic.name, PARTITIONS, createRandom(OPTIONS.seed));
  onUndo(() => load.close());
  onUndo(() => {
    load.stop();
  });
  const programs: RunningProgram[] = [];
  const keep = async (starting: Promise<RunningProgram>) => {
    const program = await starting;
    programs.push(program);
    return program;
  };
  let sending = Promise.resolve();
  let failure: FinalError | undefined;
  const whileSending = (check: () => Promise<void> | void, timeoutMs: number) =>
    eventually(async () => {
      if (failure) throw failure;
      await check();
    }, timeoutMs);
  return {
    servers: { kafka },
    system,
    load,
    programs,
    startBridge: (env = {}, main) =>
      keep(
        system.startBridge(
          { BRIDGE_BREAKER_MAX_PERCENT: '100', KAFKA_METADATA_MAX_AGE_MS: '2000', ...env },
          main,
        ),
      ),
    startWorker: (env = {}, main) => keep(system.startWorker(env, main)),
    startSending() {
      sending = load.run(OPTIONS.rate);
      sending.catch((cause: unknown) => {
        failure = new FinalError(`the load could not be sent: ${String(cause)}`, { cause });
      });
    },
    whileSending,
    sentAtLeast: (count) =>
      whileSending(
        () => {
          expect(load.sent()).toBeGreaterThanOrEqual(count);
        },
        60_000 + count * 1000,
      ),
    async stopSending() {
      load.stop();
      await sending;
    },
  };
}

/** The log lines that report a workflow as non-deterministic. Temporal repeats such a workflow task. */
export const nondeterminismLogged = (programs: readonly RunningProgram[]): readonly string[] =>
  programs.flatMap(({ events }) =>
    events
      .map((event) => JSON.stringify(event))
      .filter((line) => /TMPRL1100|nondetermin/i.test(line)),
  );
