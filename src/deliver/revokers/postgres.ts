import type { Client } from 'pg';
import { z } from 'zod';
import { secretString } from '../../config/secret.ts';
import type { DeliveryOutcome } from '../../domain/action.ts';
import { matchesPattern } from '../../domain/pattern.ts';
import {
  countOrphanSessions,
  endSessions,
  findRole,
  type Limits,
  lockRole,
  type Role,
  unlockRole,
} from '../postgres-role.ts';
import { connectionFault, type PostgresFailure, postgresFailure, withClient } from '../postgres-session.ts';
import { defineRevoker } from '../registry.ts';
import type { RevocationOrder, Verification } from '../revoker.ts';
import { quoted } from '../safe-text.ts';

const config = z
  .strictObject({
    connectionString: secretString().describe(
      'Where to connect to: postgres://user:password@host:5432/database?sslmode=verify-full. Always the primary.',
    ),
    role: z
      .string()
      .min(1)
      .default('{principal}')
      .describe('Name of the role to lock. {principal} and {token} stand for what the alert says.'),
    protectedRoles: z
      .array(z.string().min(1))
      .max(1000)
      .default([])
      .describe(
        'Roles that are never touched, whatever policy says; * stands for any text. Superusers, roles that may replicate and the role this revoker connects as are never touched anyway.',
      ),
    timeoutMs: z
      .number()
      .int()
      .min(500)
      .max(60_000)
      .default(5000)
      .describe('How long one attempt may take, from connecting to the last session ended, ms.'),
    allowInsecure: z
      .boolean()
      .default(false)
      .describe('Whether a server on another machine may be reached without TLS, or without checking its certificate.'),
  })
  .superRefine(({ connectionString, allowInsecure }, context) => {
    const fault = connectionFault(connectionString.reveal(), allowInsecure);
    if (fault) context.addIssue({ code: 'custom', path: ['connectionString'], message: fault });
  });
type Config = z.output<typeof config>;

export default defineRevoker({
  kind: 'postgres',
  title: 'PostgreSQL role',
  description:
    'Takes a role out of use: ALTER ROLE … NOLOGIN, which refuses new logins, then pg_terminate_backend for every session it has, until none is left; proves both by looking again. Undo allows logins again. The role it connects as needs CREATEROLE (from PostgreSQL 16 on, ADMIN OPTION on the roles to lock too) and membership in pg_signal_backend; no superuser. It refuses superusers, roles that may replicate, its own role and `protectedRoles`. What it cannot see: sessions on read replicas, and prepared transactions. Undo allows logins also for a role that could not log in before it was revoked.',
  config,
  example: {
    connectionString: 'postgres://tokenwarden:password@db.example.com:5432/postgres?sslmode=verify-full',
    protectedRoles: ['app_migrations', 'backup_*'],
  },
  pace: { concurrentMax: 2, intervalMs: 0 },

  open(options, { clock }) {
    const attempt = <T>(
      order: RevocationOrder,
      signal: AbortSignal,
      work: (client: Client, role: Role, limits: Limits) => Promise<T>,
      absent: (client: Client, name: string) => Promise<T | PostgresFailure> = absentRole,
    ): Promise<T | PostgresFailure> => {
      // Leaves time to say what came of it before the connection is cut.
      const until = clock.elapsed() + options.timeoutMs * 0.8;
      return withClient(options, signal, async (client) => {
        const name = roleName(options.role, order);
        const role = name === undefined ? undefined : await findRole(client, name);
        if (role === undefined) return absent(client, name ?? '');
        const reason = reasonToSpare(role, options);
        if (reason) return { kind: 'refused' as const, detail: `role ${quoted(role.name)} is not touched: ${reason}` };
        return work(client, role, { clock, until, signal });
      }).catch((error: unknown) => postgresFailure(error, options, signal));
    };
    return {
      kind: 'postgres',
      propagationMs: 0,
      revoke: (order, signal) => attempt(order, signal, revoke),
      verify: async (order, signal) => {
        const result = await attempt(order, signal, verify, verifyAbsent);
        return result.kind === 'refused' ? { kind: 'ineffective', detail: result.detail } : result;
      },
      undo: (order, signal) => attempt(order, signal, undo),
    };
  },
});

async function revoke(client: Client, role: Role, limits: Limits): Promise<DeliveryOutcome> {
  const name = quoted(role.name);
  // Logins first: else a session that is ended simply comes back.
  if (role.canLogin) await lockRole(client, role);
  const { endedCount, leftCount } = await endSessions(client, role, 1, limits);
  const locked = role.canLogin ? 'may not log in any more' : 'could not log in already';
  if (leftCount > 0) {
    return { kind: 'retry', detail: `role ${name} ${locked}; ${leftCount} of its sessions have not ended yet` };
  }
  return { kind: 'accepted', detail: `role ${name} ${locked}; ${endedCount} sessions ended` };
}

async function verify(client: Client, role: Role, limits: Limits): Promise<Verification> {
  const name = quoted(role.name);
  if (role.canLogin) return { kind: 'ineffective', detail: `role ${name} may log in (again)` };
  // Ends, while it looks, what may have slipped in since.
  const { endedCount, leftCount } = await endSessions(client, role, 2, limits);
  if (leftCount > 0) return { kind: 'ineffective', detail: `${leftCount} sessions of role ${name} do not end` };
  const slipped = endedCount === 0 ? '' : `; ${endedCount} that had slipped in ended`;
  return { kind: 'verified', detail: `role ${name} may not log in and has no session${slipped}` };
}

async function undo(client: Client, role: Role): Promise<DeliveryOutcome> {
  if (!role.canLogin) await unlockRole(client, role);
  return { kind: 'accepted', detail: `role ${quoted(role.name)} may log in` };
}

/**
 * A role that is not there is refused, not taken for revoked: it is more often a wrong name than a dropped role, and sessions of a dropped
 * role go on.
 */
async function absentRole(_client: Client, name: string): Promise<PostgresFailure> {
  const detail =
    name === ''
      ? 'the alert does not say whose role it is: see the option `role`'
      : `there is no role ${quoted(name)} on this server: see the option \`role\`; of a role that was dropped, sessions may go on`;
  return { kind: 'refused', detail };
}

/** After the revocation was accepted, a role that is gone was dropped meanwhile. */
async function verifyAbsent(client: Client, name: string): Promise<Verification> {
  const orphanCount = await countOrphanSessions(client);
  return orphanCount === 0
    ? { kind: 'verified', detail: `role ${quoted(name)} was dropped, and no session of a dropped role is left` }
    : {
        kind: 'ineffective',
        detail: `role ${quoted(name)} was dropped; ${orphanCount} sessions of dropped roles go on`,
      };
}

/** `undefined`: the alert does not say what the template asks for. */
function roleName(template: string, { action }: RevocationOrder): string | undefined {
  if (template.includes('{principal}') && action.principal === null) return undefined;
  return template.replace(/\{(principal|token)\}/g, (_, field) =>
    field === 'token' ? action.token : (action.principal ?? ''),
  );
}

/** Why a role must not be locked; `undefined`: it may be. */
function reasonToSpare(role: Role, { protectedRoles }: Config): string | undefined {
  if (role.isOurs) return 'the revoker itself is connected as it';
  if (role.isSuperuser) return 'it is a superuser';
  if (role.canReplicate) return 'it may replicate';
  const pattern = protectedRoles.find((candidate) => matchesPattern(candidate, role.name));
  return pattern && `it is protected (${quoted(pattern)})`;
}
