import { measureBareStarts } from '../harness/bare-starts.ts';
import { CARRIED, type Carried } from '../harness/run-load.ts';
import type { Variants } from './variants.ts';

const COUNT = 2000;

export const whatAStartCarries: Variants = {
  name: 'what-a-start-carries',
  what: 'workflow starts by the SDK client, by what each carries besides the message',
  unit: 'starts/s',
  code: ['bench/variants/what-a-start-carries.ts', 'bench/loads/start-loop.ts'],
  prepare({ pids }) {
    const side = (name: string, carries: readonly Carried[]) => ({
      name,
      measure: () => measureBareStarts(pids, COUNT, carries),
    });
    return Promise.resolve({
      sides: [
        side('nothing', []),
        ...CARRIED.map((carried) => side(carried, [carried])),
        side('all', CARRIED),
      ],
      close: () => Promise.resolve(),
    });
  },
};
