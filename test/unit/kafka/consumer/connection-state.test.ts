import { ConnectionState } from '../../../../src/kafka/consumer/connection-state.ts';

let state: ConnectionState;
beforeEach(() => {
  state = new ConnectionState();
});

const refused = new Error('connect ECONNREFUSED');
const BOTH = ['1', '2'];

test('a consumer that has not joined its group is not connected', () => {
  expect(state.reason()).toContain('not been joined');
  state.joined();
  expect(state.reason()).toBeUndefined();
});

test('a failed fetch counts until one from the same broker succeeds', () => {
  state.joined();
  state.fetchFailed('1', refused);
  expect(state.reason()).toMatch(/broker 1 .*ECONNREFUSED/);
  state.fetched('2', BOTH);
  state.heartbeatSucceeded();
  expect(state.reason()).toContain('broker 1');
  state.fetched('1', BOTH);
  expect(state.reason()).toBeUndefined();
});

test('all failing brokers are named, however often they are tried', () => {
  state.joined();
  for (let n = 0; n < 10; n += 1) {
    state.fetchFailed('1', refused);
    state.fetchFailed('2', refused);
    state.crashed(refused);
    expect(state.reason()).toContain('broker 1');
  }
});

test('failures of a broker that has left the cluster, or leads no assigned partition, do not count', () => {
  state.joined();
  state.fetchFailed('2', refused);
  state.fetched('1', ['1']);
  expect(state.reason()).toBeUndefined();
  state.fetchFailed('2', refused);
  state.nothingToFetch('2', ['1', '2']);
  expect(state.reason()).toBeUndefined();
  // A member without partitions.
  state.fetchFailed('2', refused);
  state.nothingToFetch('1', ['1']);
  expect(state.reason()).toBeUndefined();
});

test('a failed heartbeat counts until one succeeds or the group is joined', () => {
  state.joined();
  state.groupFailed(new Error('Not authorized to access group'));
  state.fetched('1', BOTH);
  expect(state.reason()).toContain('Not authorized to access group');
  state.heartbeatSucceeded();
  expect(state.reason()).toBeUndefined();
  state.groupFailed(refused);
  state.joined();
  expect(state.reason()).toBeUndefined();
});

test('a consumer that crashes in a loop is not connected, although it joins its group each time', () => {
  state.joined();
  state.crashed(new Error('Not authorized to access topics'));
  state.joined();
  expect(state.reason()).toContain('Not authorized to access topics');
  state.fetched('1', BOTH);
  expect(state.reason()).toBeUndefined();
  state.crashed(refused);
  state.heartbeatSucceeded();
  expect(state.reason()).toBeUndefined();
});
