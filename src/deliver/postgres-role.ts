import { type Client, escapeIdentifier } from 'pg';
import type { Clock } from '../domain/clock.ts';

/** A session that was let in at the very moment of the lock shows up this much later. */
const SLIP_IN_MS = 200;
const LOOK_AGAIN_MS = 25;

/** A database role as far as revoking is concerned. */
export interface Role {
  /** Stays the same when the role is renamed; an oid. */
  readonly oid: string;
  readonly name: string;
  readonly canLogin: boolean;
  readonly isSuperuser: boolean;
  readonly canReplicate: boolean;
  /** Whether we ourselves are connected as this role. */
  readonly isOurs: boolean;
}

/** How ending a role's sessions went. */
export interface SessionsEnded {
  readonly endedCount: number;
  /** Still there when time was up. */
  readonly leftCount: number;
}

/** What bounds a call. */
export interface Limits {
  readonly clock: Clock;
  /** On the monotonic clock. */
  readonly until: number;
  readonly signal: AbortSignal;
}

/**
 * Finds a role by its exact name: compared as text, since PostgreSQL would cut a long name to that of another role.
 *
 * @returns `undefined` when there is none.
 */
export async function findRole(client: Client, name: string): Promise<Role | undefined> {
  // No name has it, and the protocol cannot carry it.
  if (name.includes('\0')) return undefined;
  const { rows } = await client.query<Role>(
    `select oid::text as oid, rolname::text as name, rolcanlogin as "canLogin", rolsuper as "isSuperuser",
            rolreplication as "canReplicate", rolname in (session_user, current_user) as "isOurs"
       from pg_catalog.pg_roles
      where rolname::text = $1::text`,
    [name],
  );
  return rows[0];
}

/** Refuses new logins. Sessions that are logged in stay: `endSessions` has to follow. */
export async function lockRole(client: Client, { name }: Role): Promise<void> {
  await client.query(`alter role ${escapeIdentifier(name)} nologin`);
}

/** Allows logins again. */
export async function unlockRole(client: Client, { name }: Role): Promise<void> {
  await client.query(`alter role ${escapeIdentifier(name)} login`);
}

/**
 * Ends a role's sessions until `looks` looks in a row find none, or time is up. One look is quick; two, with a pause between, are proof: a
 * session that was being authenticated while the role was locked is let in, and seen only a moment later.
 */
export async function endSessions(client: Client, role: Role, looks: 1 | 2, limits: Limits): Promise<SessionsEnded> {
  const { clock, until, signal } = limits;
  const ended = new Set<number>();
  for (let quietCount = 0; ; ) {
    const { rows } = await client.query<{ pid: number }>(
      `select pid, pg_catalog.pg_terminate_backend(pid)
         from pg_catalog.pg_stat_activity
        where usesysid = $1::oid and pid <> pg_catalog.pg_backend_pid()`,
      [role.oid],
    );
    for (const { pid } of rows) ended.add(pid);
    quietCount = rows.length === 0 ? quietCount + 1 : 0;
    if (quietCount === looks) return { endedCount: ended.size, leftCount: 0 };
    if (clock.elapsed() >= until || signal.aborted) return { endedCount: ended.size, leftCount: rows.length };
    await clock.sleep(quietCount === 1 ? SLIP_IN_MS : LOOK_AGAIN_MS, signal);
  }
}

/** Sessions of roles that were dropped: they go on, and nothing tells whose they were. */
export async function countOrphanSessions(client: Client): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::int as count from pg_catalog.pg_stat_activity
      where usesysid is not null and usesysid <> 0 and usename is null`,
  );
  return rows[0]?.count ?? 0;
}
