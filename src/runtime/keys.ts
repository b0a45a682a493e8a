import { createHmac, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What is derived from an installation's one secret of its own. */
export interface Keys {
  /** One-way, 128 bits, hexadecimal: stands for a secret without telling it. */
  fingerprint(secret: string): string;
  /** Key of the hashes under which baselines remember names. */
  readonly hashSeed: number;
}

/** For replays: results must not depend on where they are run, and nothing is stored. */
export const REPLAY_KEYS: Keys = createKeys('tokenwarden replay');

export function createKeys(key: string): Keys {
  const digest = (purpose: string, text: string) =>
    createHmac('sha256', key).update(`${purpose}\u0000${text}`).digest();
  return {
    fingerprint: (secret) => digest('fingerprint', secret).subarray(0, 16).toString('hex'),
    hashSeed: digest('hash-seed', '').readUInt32LE(0),
  };
}

/** Reads the key of a data folder, or makes one. Losing it makes every baseline start anew, so it belongs into the backup. */
export function keysOfFolder(folder: string): Keys {
  const path = join(folder, 'fingerprint.key');
  mkdirSync(folder, { recursive: true });
  try {
    writeFileSync(path, `${randomBytes(32).toString('hex')}\n`, { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
  }
  return createKeys(readFileSync(path, 'utf8').trim());
}
