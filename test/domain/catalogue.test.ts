import { describe, expect, it } from 'vitest';
import { catalogueKindOf } from '../../src/domain/catalogue.ts';

describe('catalogueKindOf', () => {
  it.each([
    ['types', ['pg_catalog.pg_type', 'pg_attribute', 'shop.pg_catalog.pg_enum', 'sys.types']],
    [
      'structure',
      ['information_schema.tables', 'shop.information_schema.columns', 'pg_catalog.pg_views', 'sys.objects'],
    ],
    [
      'structure',
      ['master.sys.tables', 'system.tables', 'dba_tables', 'sqlite_master', 'pg_tables', 'all_tab_columns'],
    ],
    [
      'accounts',
      ['pg_catalog.pg_roles', 'pg_authid', 'pg_shadow', 'pg_user', 'pg_auth_members', 'mysql.user', 'dba_users'],
    ],
    ['accounts', ['information_schema.role_table_grants', 'information_schema.table_privileges', 'system.grants']],
    ['accounts', ['sys.server_principals', 'sys.sql_logins', 'system.users', 'account_usage.users', 'dba_role_privs']],
    ['server', ['pg_stat_activity', 'pg_catalog.pg_settings', 'information_schema.processlist', 'system.processes']],
    ['server', ['system.query_log', 'pg_hba_file_rules', 'v$session', 'sys.dm_exec_sessions']],
    [null, ['public.orders', 'orders', 'public.users', 'auth.roles', 'public.pg_archive', 'users', 'pgbench_accounts']],
    [null, ['', '?', 'systems.tables', 'hr.sysadmins', 'settings', 'system.invoices', 'mysqlite.user']],
  ])('%s: %j', (kind, tables) => {
    for (const table of tables) expect([table, catalogueKindOf(table)]).toEqual([table, kind]);
  });

  it('is quick on what makes regular expressions slow', () => {
    const startedAt = performance.now();
    for (const piece of ['sys.', 'pg_', '_', '.', 'role_', 'information_schema.'])
      catalogueKindOf(`sys.${piece.repeat(2000)}!`);
    expect(performance.now() - startedAt).toBeLessThan(500);
  });
});
