import { createLogDestination } from '../../../src/telemetry/log-destination.ts';

const failure = (code: string) => Object.assign(new Error(`${code}: write`), { code });

/** A file descriptor whose writes accept as many bytes or fail as planned, and then accept everything. */
function descriptor(plan: readonly (number | string)[]) {
  const steps = [...plan];
  let written = '';
  const failures: string[] = [];
  let pauses = 0;
  const destination = createLogDestination({
    write(bytes) {
      const step = steps.shift() ?? bytes.length;
      if (typeof step === 'string') throw failure(step);
      written += Buffer.from(bytes.subarray(0, step)).toString();
      return Math.min(step, bytes.length);
    },
    onFailure: (reason) => failures.push(reason),
    describeDropped: (lines, service) => `${lines} of the ${service} dropped\n`,
    pause: () => (pauses += 1),
  });
  return {
    write(line: string, service = 'bridge') {
      destination.write(line, service);
    },
    failures,
    written: () => written,
    pauses: () => pauses,
    then: (...more: (number | string)[]) => steps.push(...more),
  };
}

const times = (count: number, step: string) => Array<string>(count).fill(step);

describe('a log that cannot be written', () => {
  test.each(['ENOSPC', 'EPIPE', 'EIO', 'EBADF'])(
    'drops lines, reports the failure once, and later reports how many were dropped (%s)',
    (code) => {
      const log = descriptor(times(3, code));
      for (const line of ['a\n', 'b\n', 'c\n', 'd\n', 'e\n']) log.write(line);
      expect(log.written()).toBe('3 of the bridge dropped\nd\ne\n');
      expect(log.failures).toEqual([`${code}: write`]);
    },
  );

  test('is reported again when writing fails again', () => {
    const log = descriptor(['ENOSPC']);
    log.write('a\n');
    log.write('b\n');
    log.then('EIO');
    log.write('c\n');
    expect(log.failures).toEqual(['ENOSPC: write', 'EIO: write']);
  });

  test('waits for a slow reader', () => {
    const log = descriptor(['EAGAIN', 'EAGAIN', 1, 'EAGAIN']);
    log.write('abc\n');
    expect(log.written()).toBe('abc\n');
    expect(log.pauses()).toBe(3);
    expect(log.failures).toEqual([]);
  });

  test('does not wait per line for a reader that has stopped', () => {
    const log = descriptor(times(1000, 'EAGAIN'));
    for (let line = 0; line < 50; line += 1) log.write('abc\n');
    expect(log.pauses()).toBeLessThan(20);
    expect(log.failures).toHaveLength(1);
  });

  test('completes a partly written line before the next one', () => {
    const log = descriptor([2, 'ENOSPC', 'ENOSPC']);
    for (const line of ['first\n', 'second\n', 'third\n']) log.write(line);
    expect(log.written()).toBe('first\n1 of the bridge dropped\nthird\n');
  });

  test('completes a partly written report before the next line, and reports no line twice', () => {
    const log = descriptor(['ENOSPC', 3, 'ENOSPC']);
    for (const line of ['first\n', 'second\n', 'third\n']) log.write(line);
    expect(log.written()).toBe('1 of the bridge dropped\n1 of the bridge dropped\nthird\n');
  });

  test('reports the missing lines of each service', () => {
    const log = descriptor(times(3, 'ENOSPC'));
    log.write('a\n', 'bridge');
    log.write('b\n', 'worker');
    log.write('c\n', 'bridge');
    log.write('d\n', 'worker');
    expect(log.written()).toBe('2 of the bridge dropped\n1 of the worker dropped\nd\n');
    expect(log.failures).toHaveLength(1);
  });
});
