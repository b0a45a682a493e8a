import { join } from 'node:path';
import type { Config } from '../config/load.ts';
import type { ClickHouseOptions } from '../store/connection.ts';

/** Where a configuration keeps its archive; `undefined`: nowhere. */
export function archiveOptions({
  clickhouse,
  dataFolder,
}: Pick<Config, 'clickhouse' | 'dataFolder'>): ClickHouseOptions | undefined {
  if (clickhouse.kind === 'off') return undefined;
  if (clickhouse.kind === 'embedded') return { folder: join(dataFolder, 'clickhouse') };
  const { url, username, password, database } = clickhouse;
  return { url, user: username, database, ...(password && { password: password.reveal() }) };
}
