import { planRollback } from '../../../src/operate/deploy/plan-rollback.ts';
import type { Routing, WorkerDeployment } from '../../../src/temporal/worker-deployment.ts';

interface Version {
  readonly buildId: string;
  readonly createdAt: bigint;
  readonly deactivatedAt?: bigint;
}

/** What the server has recorded; times are those of server 1.32.0 and 1.29.1, with small numbers. */
const plan = (routing: Partial<Routing>, versions: readonly Version[]) =>
  planRollback({
    name: 'orders',
    routing: {
      current: undefined,
      currentChangedAt: undefined,
      ramping: undefined,
      rampingChangedAt: undefined,
      ...routing,
    },
    isPropagating: false,
    versions: versions.map((version): WorkerDeployment['versions'][number] => ({
      state: 'inactive',
      activatedAt: undefined,
      lastCurrentAt: undefined,
      deactivatedAt: undefined,
      drainageCheckedAt: undefined,
      ...version,
    })),
    conflictToken: new Uint8Array(),
  });

const a = { buildId: 'a', createdAt: 1n };
const b = { buildId: 'b', createdAt: 2n };
const c = { buildId: 'c', createdAt: 3n };

test('returns to the version that the current one has replaced', () => {
  expect(
    plan({ current: 'c', currentChangedAt: 30n }, [
      { ...a, deactivatedAt: 20n },
      { ...b, deactivatedAt: 30n },
      c,
    ]),
  ).toEqual({ kind: 'make-current', buildId: 'b' });
});

test('returns to an older build that was current before, whatever was created last', () => {
  expect(
    plan({ current: 'c', currentChangedAt: 30n }, [
      { ...a, deactivatedAt: 30n },
      { ...b, deactivatedAt: 25n },
      c,
    ]),
  ).toEqual({ kind: 'make-current', buildId: 'a' });
});

test('removes a ramp and keeps the current version', () => {
  const ramping = { buildId: 'b', percent: 10 };
  expect(
    plan({ current: 'a', currentChangedAt: 20n, ramping, rampingChangedAt: 30n }, [a, b]),
  ).toEqual({ kind: 'remove-ramp', ...ramping });
});

test('does nothing when run again, neither after a ramp nor after a current version was rolled back', () => {
  expect(
    plan({ current: 'b', currentChangedAt: 20n, rampingChangedAt: 30n }, [
      { ...a, deactivatedAt: 20n },
      b,
      { ...c, deactivatedAt: 30n },
    ]),
  ).toEqual({ kind: 'rolled-back', from: undefined });
  expect(
    plan({ current: 'b', currentChangedAt: 40n, rampingChangedAt: 30n }, [
      { ...a, deactivatedAt: 20n },
      b,
      { ...c, deactivatedAt: 40n },
    ]),
  ).toEqual({ kind: 'rolled-back', from: 'c' });
});

test('a version that was promoted after a ramp can be rolled back', () => {
  expect(
    plan({ current: 'b', currentChangedAt: 30n, rampingChangedAt: 30n }, [
      { ...a, deactivatedAt: 30n },
      b,
    ]),
  ).toEqual({ kind: 'make-current', buildId: 'a' });
});

test('returns to unversioned workers if the current version is the first, and not from them', () => {
  expect(plan({ current: 'a', currentChangedAt: 20n }, [a])).toEqual({
    kind: 'make-current',
    buildId: undefined,
  });
  expect(plan({ currentChangedAt: 30n }, [{ ...a, deactivatedAt: 30n }])).toEqual({
    kind: 'rolled-back',
    from: 'a',
  });
});

test('has nothing to roll back before the first version is current', () => {
  expect(plan({}, [a])).toEqual({ kind: 'never-promoted' });
});
