import { openLog } from '../../../src/telemetry/logger.ts';

test('a line of one logger that is written in part is completed before the line of another', () => {
  let written = '';
  let space = 10;
  const failures: string[] = [];
  const createLogger = openLog(
    { level: 'info', format: 'json' },
    {
      write(bytes) {
        if (space === 0) throw Object.assign(new Error('ENOSPC: write'), { code: 'ENOSPC' });
        const taken = Math.min(space, bytes.length);
        space -= taken;
        written += Buffer.from(bytes.subarray(0, taken)).toString();
        return taken;
      },
      onFailure: (reason) => failures.push(reason),
    },
  );
  const [bridge, worker] = [createLogger('bridge'), createLogger('worker')];
  bridge.info({ event: 'first' });
  worker.info({ event: 'second' });
  space = Infinity;
  worker.info({ event: 'third' });
  bridge.info({ event: 'fourth' });

  const lines = written.split('\n').filter((line) => line !== '');
  expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
    { service: 'bridge', event: 'first' },
    { service: 'worker', event: 'log_lines_dropped', lines: 1 },
    { service: 'worker', event: 'third' },
    { service: 'bridge', event: 'fourth' },
  ]);
  expect(failures).toEqual(['ENOSPC: write']);
});
