import { planRollback } from '../../../src/operate/deploy/plan-rollback.ts';
import type { Routing, WorkerDeployment } from '../../../src/temporal/worker-deployment.ts';

interface Version {
  readonly buildId: string;
  readonly createdAt: bigint;
  readonly activatedAt?: bigint;
  readonly deactivatedAt?: bigint;
}

/** What the server has recorded; times are those of server 1.32.0 and 1.29.1, with small numbers. */
const plan = (
  { isRolledBack = false, ...routing }: Partial<Routing> & { readonly isRolledBack?: boolean },
  versions: readonly Version[],
) =>
  planRollback({
    name: 'orders',
    routing: {
      current: undefined,
      currentChangedAt: undefined,
      ramping: undefined,
      ...routing,
    },
    isPropagating: false,
    isRolledBack,
    versions: versions.map((version): WorkerDeployment['versions'][number] => ({
      state: 'inactive',
      activatedAt: undefined,
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

test('returns from a version that was created before the one that it has replaced', () => {
  // 1.2.0 ramped and its ramp was removed, the later build 1.1.1 was current, then 1.2.0 was promoted.
  expect(
    plan({ current: 'b', currentChangedAt: 50n }, [
      { ...a, activatedAt: 10n, deactivatedAt: 40n },
      { ...b, activatedAt: 20n },
      { ...c, activatedAt: 40n, deactivatedAt: 50n },
    ]),
  ).toEqual({ kind: 'make-current', buildId: 'c' });
});

test('removes a ramp and keeps the current version, even right after a rollback', () => {
  const ramping = { buildId: 'b', percent: 10 };
  for (const isRolledBack of [false, true]) {
    expect(plan({ current: 'a', currentChangedAt: 20n, ramping, isRolledBack }, [a, b])).toEqual({
      kind: 'remove-ramp',
      ...ramping,
    });
  }
});

test('does nothing when the latest change was a rollback', () => {
  const versions = [{ ...a, deactivatedAt: 20n }, b, { ...c, deactivatedAt: 40n }];
  const routing = { current: 'b', currentChangedAt: 40n };
  expect(plan({ ...routing, isRolledBack: true }, versions)).toEqual({ kind: 'rolled-back' });
  expect(plan(routing, versions)).toEqual({ kind: 'make-current', buildId: 'c' });
  expect(plan({ isRolledBack: true }, [{ ...a, activatedAt: 10n, deactivatedAt: 20n }])).toEqual({
    kind: 'rolled-back',
  });
});

test('returns to unversioned workers if no other version has received orders', () => {
  expect(plan({ current: 'a', currentChangedAt: 20n }, [{ ...a, activatedAt: 20n }, b])).toEqual({
    kind: 'make-current',
    buildId: undefined,
  });
});

test('does not take a missing record for unversioned workers', () => {
  expect(
    plan({ current: 'c', currentChangedAt: 40n }, [
      { ...a, activatedAt: 10n, deactivatedAt: 20n },
      { ...c, activatedAt: 40n },
    ]),
  ).toEqual({ kind: 'no-previous' });
});

test('returns from unversioned workers to the version that they have replaced', () => {
  const versions = [{ ...a, activatedAt: 10n, deactivatedAt: 30n }];
  expect(plan({ currentChangedAt: 30n }, versions)).toEqual({
    kind: 'make-current',
    buildId: 'a',
  });
  expect(plan({ currentChangedAt: 40n }, versions)).toEqual({ kind: 'no-previous' });
});

test('has nothing to roll back before the first version is current', () => {
  expect(plan({}, [a])).toEqual({ kind: 'no-previous' });
});
