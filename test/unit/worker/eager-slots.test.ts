import type { CustomSlotSupplier, SlotPermit, WorkflowSlotInfo } from '@temporalio/worker';
import { EagerSlots } from '../../../src/worker/eager-slots.ts';

/** Six eager slots and three for polled tasks. */
function createSlots() {
  const slots = new EagerSlots(9);
  return { slots, worker: slots.forNewWorker() };
}

type Worker = CustomSlotSupplier<WorkflowSlotInfo>;

const never = new AbortController().signal;
const context = {} as Parameters<Worker['reserveSlot']>[0];
const poll = (worker: Worker, signal = never) => worker.reserveSlot(context, signal);
const sendStart = (worker: Worker) => worker.tryReserveSlot(context);
const release = (worker: Worker, permit: SlotPermit | null) => {
  if (permit) worker.releaseSlot({ permit });
};

/** Whether the promise settles without anything else happening. */
async function isDone(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending');
  await new Promise(setImmediate);
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
}

const claimAll = (slots: EagerSlots) =>
  Promise.all(Array.from({ length: 6 }, () => slots.claim(never)));

const pollAll = (worker: Worker) => Promise.all(Array.from({ length: 3 }, () => poll(worker)));

test('a start that has claimed a slot gets it, and no other start does', async () => {
  const { slots, worker } = createSlots();
  expect(sendStart(worker)).toBeNull();
  await slots.claim(never);
  expect(sendStart(worker)).not.toBeNull();
  expect(sendStart(worker)).toBeNull();
});

test('starts wait until the task of an earlier one has ended', async () => {
  const { slots, worker } = createSlots();
  const answered = await claimAll(slots);
  const permits = answered.map(() => sendStart(worker));
  for (const done of answered) done();
  const next = slots.claim(never);
  expect(await isDone(next)).toBe(false);
  release(worker, permits[0] ?? null);
  expect(await isDone(next)).toBe(true);
});

test('a start that is answered without having been sent returns its slot', async () => {
  const { slots } = createSlots();
  const answered = await claimAll(slots);
  const next = slots.claim(never);
  expect(await isDone(next)).toBe(false);
  answered[0]?.();
  expect(await isDone(next)).toBe(true);
});

test('a slot that was taken while another start was answered is returned once', async () => {
  const { slots, worker } = createSlots();
  const answered = await claimAll(slots);
  // The SDK does not say for which of them it asks.
  const permit = sendStart(worker);
  answered[5]?.();
  for (const done of answered.slice(0, 5)) done();
  // Five were never asked for; the sixth is still in use.
  const claims = Array.from({ length: 6 }, () => slots.claim(never));
  expect(await Promise.all(claims.map(isDone))).toEqual([true, true, true, true, true, false]);
  release(worker, permit);
  expect(await isDone(Promise.all(claims))).toBe(true);
});

test('pollers and starts leave each other their slots', async () => {
  const { slots, worker } = createSlots();
  const [first] = await pollAll(worker);
  const next = poll(worker);
  expect(await isDone(next)).toBe(false);
  await claimAll(slots);
  for (let n = 0; n < 6; n += 1) release(worker, sendStart(worker));
  expect(await isDone(next)).toBe(false);
  release(worker, first ?? null);
  expect(await isDone(next)).toBe(true);
});

test('a poll or a claim that is no longer wanted takes no slot', async () => {
  const { slots, worker } = createSlots();
  await claimAll(slots);
  await pollAll(worker);
  const unwanted = new AbortController();
  const waiting = [poll(worker, unwanted.signal), slots.claim(unwanted.signal)];
  unwanted.abort();
  for (const one of waiting) await expect(one).rejects.toBe(unwanted.signal.reason);
});

test('the replacement of a failed worker has all slots, whatever the failed one still holds', async () => {
  const { slots, worker } = createSlots();
  const answered = await claimAll(slots);
  await pollAll(worker);
  const replacement = slots.forNewWorker();
  expect(await isDone(claimAll(slots))).toBe(true);
  expect(await isDone(pollAll(replacement))).toBe(true);
  // The failed one returns its slots late.
  answered[0]?.();
  expect(await isDone(slots.claim(never))).toBe(false);
});
