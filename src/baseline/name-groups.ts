import { hashName } from './hash.ts';

/**
 * Groups of names. Where a count for each name would take too much, names that a keyed hash puts together are counted together: whoever lives on a
 * hundred tables is known whole in 176 bytes, and who does not know the key cannot tell which names are alike.
 */
export const GROUPS = 176;

export function groupOf(name: string, hashSeed: number): number {
  return hashName(name, hashSeed) % GROUPS;
}
