import { LIFETIME_DAYS_MAX } from '../domain/lifetime.ts';
import type { ClickHouse } from './connection.ts';
import { MIGRATIONS, type Migration, type RetentionDays, TABLE_LIFETIMES, timeToLive } from './migrations.ts';
import { StoreError } from './store-error.ts';

const HISTORY = `CREATE TABLE IF NOT EXISTS schema_migrations (
  id UInt32,
  title String,
  applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = ReplacingMergeTree(applied_at)
ORDER BY id
SETTINGS non_replicated_deduplication_window = 100`;

/**
 * Brings the database to this release's schema: makes it, applies the migrations it lacks, in order, brings times to live in line with
 * `retention`, and checks that repeated inserts will be recognised. Doing it again changes nothing, and an interrupted run is taken up again.
 *
 * Rejects with a `StoreError`: `newer-database` when a newer release was here, before anything is changed.
 *
 * @param migrations for tests; otherwise those of this release.
 * @returns the migrations applied by this call.
 */
export async function migrate(
  clickHouse: ClickHouse,
  retention: RetentionDays,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<readonly Migration[]> {
  checkRetention(retention);
  await clickHouse.createDatabase();
  await clickHouse.command(HISTORY);
  const applied = await clickHouse.query<{ id: number; title: string }>(
    'SELECT id, title FROM schema_migrations FINAL ORDER BY id',
  );
  refuseNewer(clickHouse, applied, migrations);
  const missing = migrations.filter(({ id }) => !applied.some((one) => one.id === id));
  for (const migration of missing) {
    for (const statement of migration.statements(retention)) await clickHouse.command(statement);
    const line = Buffer.from(`${JSON.stringify([migration.id, migration.title])}\n`);
    await clickHouse.insert('schema_migrations', ['id', 'title'], [line], `migration/${migration.id}`);
  }
  await alignTables(clickHouse, retention);
  return missing;
}

function checkRetention(retention: RetentionDays): void {
  for (const [option, days] of Object.entries(retention)) {
    if (Number.isSafeInteger(days) && days >= 1 && days <= LIFETIME_DAYS_MAX) continue;
    throw new StoreError(
      'rejected',
      `Retention of ${option} is ${days}: give whole days, from 1 to ${LIFETIME_DAYS_MAX}.`,
    );
  }
}

function refuseNewer(
  { where }: ClickHouse,
  applied: readonly { readonly id: number; readonly title: string }[],
  migrations: readonly Migration[],
): void {
  const known = migrations.at(-1)?.id ?? 0;
  const last = applied.at(-1);
  if (last === undefined || last.id <= known) return;
  throw new StoreError(
    'newer-database',
    `The ClickHouse database at ${where} has schema ${last.id} ("${last.title}"), and this release knows schemas up to ${known}. ` +
      'Run the release that made it, or a newer one, or give this one another database.',
  );
}

/** An operator may have made the tables, or changed the options: what keeps rows unique and limits their number is looked at every time. */
async function alignTables(clickHouse: ClickHouse, retention: RetentionDays): Promise<void> {
  const tables = await clickHouse.query<{ name: string; engine: string; definition: string }>(
    'SELECT name, engine, engine_full AS definition FROM system.tables WHERE database = currentDatabase() ORDER BY name',
  );
  for (const { name, engine, definition } of tables) {
    if (!Object.hasOwn(TABLE_LIFETIMES, name)) continue;
    const deduplicates =
      /^(Replicated|Shared)/.test(engine) || /non_replicated_deduplication_window = [1-9]/.test(definition);
    if (!deduplicates) {
      const mend = `ALTER TABLE ${name} MODIFY SETTING non_replicated_deduplication_window = 100000`;
      const message = `Table ${name} at ${clickHouse.where} does not recognise repeated inserts, so rows could count twice: run ${mend}.`;
      throw new StoreError('rejected', message);
    }
    const expression = timeToLive(name, retention);
    if (!definition.includes(`TTL ${expression} `))
      await clickHouse.command(`ALTER TABLE ${name} MODIFY TTL ${expression}`);
  }
}
