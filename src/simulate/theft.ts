import { SECOND_MS } from '../baseline/time.ts';
import { createRandom } from '../domain/random.ts';
import type { CanonicalRecord, SimulatedToken } from './fleet.ts';

/** Tables worth stealing, which none of the fleet uses. */
export const LOOT = [
  'auth.users',
  'auth.password_hashes',
  'public.customers',
  'public.payment_cards',
  'hr.salaries',
  'public.addresses',
];

/**
 * A token is found in a public repository and used: from a hosting network, first a look around, then whole tables. Events from `startAt`
 * on, one about every 400 ms.
 */
export function theftOf(token: SimulatedToken, seed: string, startAt: number): readonly CanonicalRecord[] {
  const random = createRandom(`${seed}/theft/${token.token}`);
  const address = `203.0.113.${10 + random.below(200)}`;
  const lookAround = ['information_schema.tables', 'information_schema.columns', 'pg_catalog.pg_roles'];
  let at = startAt;
  return [...lookAround, ...Array.from({ length: 40 }, (_, i) => LOOT[i % LOOT.length] as string)].map((table, i) => {
    at += Math.round(random.logNormal(0.4 * SECOND_MS, 0.4));
    const rows = i < lookAround.length ? 40 + random.below(400) : Math.round(random.logNormal(12_000, 0.8));
    return {
      time: new Date(at).toISOString(),
      token: token.token,
      principal: token.principal,
      source_ip: address,
      database: token.database,
      operation: 'select',
      tables: [table],
      statement: `SELECT * FROM ${table}`,
      rows,
      bytes: rows * 130,
      success: true,
      app: 'python-requests/2.32',
      session: `${token.token}-stolen`,
    };
  });
}
