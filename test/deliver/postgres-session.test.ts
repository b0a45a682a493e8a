import { DatabaseError } from 'pg';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Secret } from '../../src/config/secret.ts';
import { connectionFault, postgresFailure } from '../../src/deliver/postgres-session.ts';
import kind from '../../src/deliver/revokers/postgres.ts';

const target = { connectionString: new Secret('postgres://op:hunter2@db.example/postgres'), timeoutMs: 5000 };
const never = new AbortController().signal;

function failureOf(code: string) {
  const error = new DatabaseError('role "x\u202ey" is at fault', 10, 'error');
  error.code = code;
  return postgresFailure(error, target, never);
}

describe('connectionFault', () => {
  it.each([
    'postgres://op:hunter2@db.example/postgres?sslmode=verify-full',
    'postgres://op:hunter2@localhost/postgres',
    'postgres://op:hunter2@127.0.0.1:5433/postgres',
    'postgres://op@/postgres?host=/run/postgresql',
  ])('%s may be used', (text) => {
    expect(connectionFault(text, false)).toBeUndefined();
  });

  it.each([
    ['postgres://op:hunter2@db.example/postgres', 'not encrypted'],
    ['postgres://op:hunter2@db.example/postgres?sslmode=disable', 'not encrypted'],
    ['postgres://op:hunter2@db.example/postgres?sslmode=no-verify', 'certificate'],
    ['postgres://op:hunter2@[bad/postgres', 'cannot be read'],
    ['postgres://op:hunter2@db.example/postgres?sslrootcert=/nowhere/ca.pem', 'cannot be read'],
  ])('%s may not', (text, expected) => {
    const fault = connectionFault(text, false);
    expect(fault).toContain(expected);
    expect(fault).not.toContain('hunter2');
    const config = kind.config.safeParse({ connectionString: text });
    expect(z.prettifyError(config.error!)).not.toContain('hunter2');
  });

  it('lets an operator insist', () => {
    expect(connectionFault('postgres://op:hunter2@db.example/postgres', true)).toBeUndefined();
  });
});

describe('postgresFailure', () => {
  it.each(['42501', '42704', '42939'])('%s is final', (code) => {
    expect(failureOf(code)).toMatchObject({ kind: 'refused', detail: expect.stringContaining(code) });
  });

  it.each(['57P03', '53300', '28P01', '28000', '25006', '57014', '40001', 'XX000', '08006'])('%s may pass', (code) => {
    expect(failureOf(code).kind).toBe('retry');
  });

  it('shows the server’s words without what is treacherous in them', () => {
    expect(failureOf('XX000').detail).toContain('x\\u{202e}y');
  });

  it('does not take a fault of ours for one of the network', () => {
    expect(() => postgresFailure(new TypeError('x is not a function'), target, never)).toThrow('x is not a function');
  });
});
