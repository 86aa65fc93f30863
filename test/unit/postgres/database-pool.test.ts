import { parseDatabaseUrl } from '../../../src/config/database-url.ts';
import { requestedSearchPath } from '../../../src/postgres/database-pool.ts';

test.each([
  ['postgres://h/d', undefined],
  ['postgres://h/d?options=-csearch_path%3Dshop', 'shop'],
  ['postgres://h/d?options=-c%20search_path%3Dshop,public', 'shop,public'],
  ['postgres://h/d?options=--search_path%3Dshop', 'shop'],
  ['postgres://h/d?options=-c%20geqo%3Doff%20-csearch_path%3Dshop', 'shop'],
  ['postgres://h/d?options=-c%20geqo%3Doff', undefined],
])('the search path in %s is %s', (url, searchPath) => {
  expect(requestedSearchPath(parseDatabaseUrl(url))).toBe(searchPath);
});
