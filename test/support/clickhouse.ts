import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@clickhouse/client';
import { GenericContainer, Wait } from 'testcontainers';
import { type ClickHouse, type ClickHouseOptions, openClickHouse } from '../../src/store/connection.ts';
import { dockerAnswers } from './docker.ts';

const IMAGE = 'clickhouse/clickhouse-server:26.3';
const PASSWORD = 'only-for-tests';

/** An empty store of its own. `remove` closes it and deletes what it kept. */
export interface TestStore {
  readonly clickHouse: ClickHouse;
  readonly options: ClickHouseOptions;
  remove(): Promise<void>;
}

/** A kind of ClickHouse to run the suite on. */
export interface Target {
  readonly name: string;
  open(): Promise<TestStore>;
  stop(): Promise<void>;
}

/**
 * The in-process engine, and a server: the one at `TOKENWARDEN_TEST_CLICKHOUSE` (`http://user:password@host:8123`), else a container where a
 * Docker engine answers.
 */
export async function clickHouseTargets(): Promise<readonly Target[]> {
  const inProcess = { name: 'in process', open: openInFolder, stop: async () => {} };
  const given = process.env['TOKENWARDEN_TEST_CLICKHOUSE'];
  if (given !== undefined && given !== '') return [inProcess, serverTarget('server at hand', given, async () => {})];
  if (await dockerAnswers()) return [inProcess, await startInDocker()];
  console.warn('\n!!! No ClickHouse server for tests: set TOKENWARDEN_TEST_CLICKHOUSE or start a Docker engine.\n');
  return [inProcess];
}

/** A folder for the in-process engine. */
export async function newStoreFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'tokenwarden-store-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

async function openInFolder(): Promise<TestStore> {
  const folder = await newStoreFolder();
  const options = { folder: folder.path };
  const clickHouse = await openClickHouse(options);
  const remove = async () => {
    await clickHouse.close();
    await folder.remove();
  };
  return { clickHouse, options, remove };
}

async function startInDocker(): Promise<Target> {
  const container = await new GenericContainer(IMAGE)
    .withEnvironment({
      CLICKHOUSE_USER: 'tester',
      CLICKHOUSE_PASSWORD: PASSWORD,
      CLICKHOUSE_DEFAULT_ACCESS_MANAGEMENT: '1',
    })
    .withExposedPorts(8123)
    .withWaitStrategy(Wait.forHttp('/ping', 8123).forStatusCode(200))
    .start();
  const url = `http://tester:${PASSWORD}@${container.getHost()}:${container.getMappedPort(8123)}`;
  return serverTarget('server in Docker', url, async () => void (await container.stop()));
}

function serverTarget(name: string, address: string, stop: () => Promise<void>): Target {
  const { origin, username, password } = new URL(address);
  const credentials = {
    ...(username === '' ? {} : { user: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
  };
  const open = async () => {
    const database = `tokenwarden_test_${randomBytes(6).toString('hex')}`;
    const options = { url: origin, database, ...credentials };
    const clickHouse = await openClickHouse(options);
    await clickHouse.createDatabase();
    const remove = async () => {
      await clickHouse.close();
      const admin = createClient({ url: address });
      await admin.command({ query: `DROP DATABASE IF EXISTS ${database} SYNC` });
      await admin.close();
    };
    return { clickHouse, options, remove };
  };
  return { name, open, stop };
}
