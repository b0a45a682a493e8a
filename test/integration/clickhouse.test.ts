import { afterAll, afterEach, beforeEach, describe } from 'vitest';
import { historySuite } from '../store/suite-history.ts';
import { inProcessSuite } from '../store/suite-in-process.ts';
import { migrationSuite } from '../store/suite-migrations.ts';
import { querySuite } from '../store/suite-queries.ts';
import { usualUseSuite } from '../store/suite-usual-uses.ts';
import { writingSuite } from '../store/suite-writing.ts';
import { clickHouseTargets, type TestStore } from '../support/clickhouse.ts';

describe.each(await clickHouseTargets())('ClickHouse, $name', (target) => {
  let store: TestStore;
  beforeEach(async () => {
    store = await target.open();
  });
  afterEach(() => store.remove());
  afterAll(() => target.stop());

  describe('migrations', () => migrationSuite(() => store));
  describe('inserts', () => writingSuite(() => store));
  describe('queries', () => querySuite(() => store));
  describe('history', () => historySuite(() => store));
  describe('what is usual', () => usualUseSuite(() => store));
  if (target.name === 'in process') describe('the engine', () => inProcessSuite(() => store));
});
