import { z } from 'zod';
import { isJsonObject, parseJson } from '../../src/contract/json.ts';
import { translate as translateFields } from '../../src/order/translate.ts';
import type { Sample } from '../harness/compare.ts';
import { orderText } from '../harness/orders.ts';
import type { Benchmark } from './benchmark.ts';

const COUNT = 500_000;

/** The obvious first version: it loses digits and checks no rules of the domain. */
const plainSchema = z.object({
  order_id: z.string(),
  created_at: z.string(),
  customer_name: z.string(),
  total_price: z.number(),
  line_items: z.array(
    z.object({ product_id: z.string(), quantity: z.number().int(), unit_price: z.number() }),
  ),
});

export const translate: Benchmark = {
  name: 'translate',
  ratio: 'translation of a message ÷ JSON.parse and a plain zod schema',
  unit: 'orders/s',
  goal: { atLeast: 0.5 },
  code: ['bench/benchmarks/translate.ts'],
  prepare() {
    const texts = Array.from({ length: 1000 }, (_, n) => orderText(`A-${n}`));
    return Promise.resolve({
      subject: {
        name: 'the built-in order module',
        measure: () =>
          timed(texts, (text) => {
            const json = parseJson(text);
            if (!json.ok || !isJsonObject(json.value) || !translateFields(json.value).ok) {
              throw new Error('not an order');
            }
          }),
      },
      baseline: {
        name: 'JSON.parse and zod',
        measure: () => timed(texts, (text) => plainSchema.parse(JSON.parse(text))),
      },
      close: () => Promise.resolve(),
    });
  },
};

function timed(texts: readonly string[], work: (text: string) => unknown): Promise<Sample> {
  const begin = performance.now();
  for (let n = 0; n < COUNT; n += 1) work(texts[n % texts.length] ?? '');
  return Promise.resolve({ value: COUNT / ((performance.now() - begin) / 1000) });
}
