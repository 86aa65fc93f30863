import { parser } from '@prometheus-io/lezer-promql';

/** A selector of a query, such as `orders_total{ending=~"a|b"}`. */
export interface Selector {
  readonly name: string;
  readonly matchers: readonly Matcher[];
}

interface Matcher {
  readonly label: string;
  readonly operator: string;
  readonly value: string;
}

/** Every selector of a query, and the labels that it groups by. Throws if it is not PromQL. */
export function readQuery(query: string): {
  readonly selectors: readonly Selector[];
  readonly groupedBy: readonly string[];
} {
  const text = query.replaceAll('$__rate_interval', '1m');
  const selectors: { name: string; matchers: Matcher[] }[] = [];
  const groupedBy: string[] = [];
  parser.parse(text).iterate({
    enter({ type, from, to, node }) {
      const word = text.slice(from, to);
      if (type.isError) throw new Error(`not PromQL at ${from}: ${text}`);
      if (type.name === 'VectorSelector') selectors.push({ name: '', matchers: [] });
      const selector = selectors.at(-1);
      if (type.name === 'Identifier' && selector && node.parent?.name === 'VectorSelector') {
        selector.name = word;
      }
      if (type.name === 'UnquotedLabelMatcher' && selector) {
        const match = /^(\w+)\s*(=~|!~|!=|=)\s*"(.*)"$/.exec(word);
        if (!match) throw new Error(`unsupported matcher: ${word}`);
        const [, label = '', operator = '', value = ''] = match;
        selector.matchers.push({ label, operator, value });
      }
      if (type.name === 'LabelName' && node.parent?.name === 'GroupingLabels') {
        groupedBy.push(word);
      }
    },
  });
  return { selectors, groupedBy };
}

/** A series in Prometheus's text format. */
export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** @param job the job label that Prometheus adds when it scrapes the series */
export const readSeries = (exposition: string, job: string): readonly Series[] =>
  exposition
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', labels = ''] = /^([\w:]+)(?:\{(.*)\})? /.exec(line) ?? [];
      const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
      return {
        name,
        labels: {
          ...Object.fromEntries(pairs.map(([, label = '', value = '']) => [label, value])),
          job,
          instance: 'here',
        },
      };
    });

export function matches({ name, matchers }: Selector, series: Series): boolean {
  return (
    series.name === name &&
    matchers.every(({ label, operator, value }) => {
      const actual = series.labels[label] ?? '';
      if (operator === '=') return actual === value;
      if (operator === '!=') return actual !== value;
      const isMatch = new RegExp(`^(?:${value})$`).test(actual);
      return operator === '=~' ? isMatch : !isMatch;
    })
  );
}
