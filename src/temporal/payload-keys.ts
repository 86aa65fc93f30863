import type { PayloadKey, PayloadKeys } from '../config/payload-settings.ts';
import { systemClock, type Clock } from '../program/clock.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';

/** How often the file with the keys is read again while they are in use. */
const REREAD_AFTER_MS = 5000;
/** How often it is read again because a payload names an unknown key. */
const REREAD_FOR_UNKNOWN_MS = 1000;
/** How long an unknown key is reported after a payload has last named it. Temporal retries a task within 10 minutes. */
const FORGET_UNKNOWN_AFTER_MS = 900_000;
/** Bounds the memory. There are far fewer keys. */
const MAX_UNKNOWN = 100;

export interface PayloadKeyRingOptions {
  /** Reads the keys as they are now. Throws when they are invalid. */
  readonly read: () => PayloadKeys | undefined;
  /** Whether new payloads are encrypted. */
  readonly encrypts: boolean;
  readonly clock?: Clock;
}

/**
 * The keys that encrypt and decrypt payloads. Reads them again while they are in use, and at once when a payload
 * names an unknown one: a rotation needs no restart. While they cannot be read, the last ones stay in use.
 */
export class PayloadKeyRing {
  readonly #read: () => PayloadKeys | undefined;
  readonly #encrypts: boolean;
  readonly #clock: Clock;
  #keys: readonly PayloadKey[];
  #readAt: number;
  /** Why they could not be read the last time. */
  #readProblem: string | undefined;
  /** The ID of each key that a payload has named in vain, with the time of the last one. */
  readonly #unknown = new Map<string, number>();

  /** Throws when the keys are invalid. */
  constructor({ read, encrypts, clock = systemClock }: PayloadKeyRingOptions) {
    this.#read = read;
    this.#encrypts = encrypts;
    this.#clock = clock;
    this.#keys = read() ?? [];
    this.#readAt = clock.now();
  }

  /** The key that encrypts new payloads; undefined if none are encrypted. */
  get encrypting(): PayloadKey | undefined {
    if (!this.#encrypts) return undefined;
    this.#refresh(REREAD_AFTER_MS);
    return this.#keys[0];
  }

  /** Why the keys could not be read just now; undefined if they could. The last ones are in use then. */
  readProblem(): string | undefined {
    this.#refresh(REREAD_FOR_UNKNOWN_MS);
    return this.#readProblem;
  }

  /** The IDs of all keys. */
  get ids(): readonly string[] {
    return this.#keys.map(({ id }) => id);
  }

  /** The key with this ID. Throws an OperatorError when there is none. */
  find(id: string): PayloadKey {
    this.#refresh(REREAD_AFTER_MS);
    const key = this.#find(id);
    if (key) return key;
    this.#refresh(REREAD_FOR_UNKNOWN_MS);
    const reread = this.#find(id);
    if (reread) return reread;
    if (this.#unknown.size >= MAX_UNKNOWN) this.#unknown.clear();
    this.#unknown.set(id, this.#clock.now());
    throw new OperatorError('PAYLOAD_KEY_UNKNOWN', this.#describeUnknown(id), ADD_KEY);
  }

  /** Why payloads cannot be decrypted; undefined if all of the last minutes could be. */
  unknownKeys(): string | undefined {
    const now = this.#clock.now();
    for (const [id, at] of this.#unknown) {
      if (this.#find(id) || now - at > FORGET_UNKNOWN_AFTER_MS) this.#unknown.delete(id);
    }
    const [id] = this.#unknown.keys();
    return id === undefined ? undefined : `${this.#describeUnknown(id)}; ${ADD_KEY}`;
  }

  #find = (id: string) => this.#keys.find((key) => key.id === id);

  #refresh(maxAgeMs: number): void {
    const now = this.#clock.now();
    if (now - this.#readAt < maxAgeMs) return;
    this.#readAt = now;
    try {
      this.#keys = this.#read() ?? [];
      this.#readProblem = undefined;
    } catch (error) {
      this.#readProblem = describeError(error);
    }
  }

  #describeUnknown(id: string): string {
    const known =
      this.#keys.length === 0
        ? 'TEMPORAL_PAYLOAD_KEYS is not set'
        : `TEMPORAL_PAYLOAD_KEYS has only ${this.ids.map((known) => `"${known}"`).join(', ')}`;
    const problem = this.#readProblem === undefined ? '' : ` (${this.#readProblem})`;
    return `A payload in Temporal is encrypted with the key "${id}", but ${known}${problem}`;
  }
}

const ADD_KEY =
  'add that key to TEMPORAL_PAYLOAD_KEYS of this program; what failed is retried, nothing is lost';
