import type { RunningProgram } from './programs.ts';

/** How many starts a process of `order-ingest run` has counted, by outcome, without those of which there were none. */
export async function eagerStarts(
  program: Pick<RunningProgram, 'http'>,
): Promise<Readonly<Record<string, number>>> {
  const { body } = await program.http('GET', '/metrics', 'bridge');
  const samples = body.matchAll(/^order_ingest_eager_starts_total\{outcome="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries(
    [...samples].flatMap(([, outcome = '', count]) =>
      count === '0' ? [] : [[outcome, Number(count)]],
    ),
  );
}
