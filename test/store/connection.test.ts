import { afterEach, describe, expect, it } from 'vitest';
import { type ClickHouse, openClickHouse, type ServerOptions } from '../../src/store/connection.ts';
import { StoreError } from '../../src/store/store-error.ts';
import { createStoreWriter } from '../../src/store/writer.ts';
import { exception, hangs, type Reply, resets, startFaultServer, takes } from './fault-server.ts';
import { sampleEvent, sampleEvents } from './sample.ts';

const PASSWORD = 'do-not-show-me';

const open: (AsyncDisposable | ClickHouse)[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

async function openOn(reply: Reply, options: Partial<ServerOptions> = {}) {
  const server = await startFaultServer(reply);
  open.push(server);
  const clickHouse = await openClickHouse({
    url: server.url,
    user: 'archivist',
    password: PASSWORD,
    requestTimeoutMs: 300,
    ...options,
  });
  open.push(clickHouse);
  return { server, clickHouse, writer: createStoreWriter(clickHouse) };
}

async function failure(call: Promise<unknown>): Promise<StoreError> {
  const error = await call.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(StoreError);
  return error as StoreError;
}

describe('a server that is away or in trouble', () => {
  const page = `<html><body>${'<h1>503 Service Unavailable</h1>\n'.repeat(200)}</body></html>`;
  const troubles: [string, Reply][] = [
    ['a proxy says 503', (_, response) => void response.writeHead(503).end(page)],
    ['the connection is reset after the rows were taken', resets],
    ['it never answers', hangs],
    ['it has too many parts', exception(252, 'TOO_MANY_PARTS')],
    ['its tables are read-only', exception(242, 'TABLE_IS_READ_ONLY')],
    ['it has no memory left', exception(241, 'MEMORY_LIMIT_EXCEEDED')],
    ['the password was changed', exception(516, 'AUTHENTICATION_FAILED', 403)],
    ['an exception hides behind status 200', exception(202, 'TOO_MANY_SIMULTANEOUS_QUERIES', 200)],
  ];

  it.each(troubles)('is unavailable, and the insert can be repeated: %s', async (_, reply) => {
    const { server, writer } = await openOn(reply);
    const error = await failure(writer.insertEvents(sampleEvents(3), 'range 0-2'));
    expect(error).toMatchObject({ code: 'unavailable', retryable: true });
    expect(error.message).toContain('insert into events');
    expect(error.message.length).toBeLessThan(600);
    expect(error.message).not.toContain('\n');
    server.reply = takes;
    await writer.insertEvents(sampleEvents(3), 'range 0-2');
    expect(server.asked).toHaveLength(2);
    const [first, second] = server.asked;
    expect(second).toMatchObject({ statement: first!.statement, rows: first!.rows });
  });

  it('is unavailable when nobody listens', async () => {
    const { server, clickHouse } = await openOn(takes);
    await server[Symbol.asyncDispose]();
    const error = await failure(clickHouse.query('SELECT 1'));
    expect(error).toMatchObject({ code: 'unavailable' });
    expect(error.message).toContain('ECONNREFUSED');
  });

  it('is unavailable when an answer ends half-way', async () => {
    const { clickHouse } = await openOn((_, response) => {
      response.writeHead(200, { 'Content-Length': 1000 });
      response.write('{"n":1}\n');
      setTimeout(() => response.socket?.resetAndDestroy(), 20);
    });
    expect(await failure(clickHouse.query('SELECT n FROM t'))).toMatchObject({ code: 'unavailable' });
  });

  it('is not waited for longer than the time-out', async () => {
    const { clickHouse } = await openOn(hangs);
    const startedAt = performance.now();
    await failure(clickHouse.query('SELECT 1'));
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });
});

describe('a server that refuses', () => {
  it.each([
    [60, 'UNKNOWN_TABLE'],
    [16, 'NO_SUCH_COLUMN_IN_TABLE'],
    [27, 'CANNOT_PARSE_INPUT_ASSERTION_FAILED'],
    [62, 'SYNTAX_ERROR'],
  ])('is not asked again: %s %s', async (code, type) => {
    const { writer } = await openOn(exception(code, type));
    const error = await failure(writer.insertEvents(sampleEvents(1), 't'));
    expect(error).toMatchObject({ code: 'rejected', retryable: false });
    expect(error.message).toContain(type);
  });

  it('says so in no words of ours that are secret', async () => {
    const { clickHouse } = await openOn(exception(516, 'AUTHENTICATION_FAILED', 403));
    const { message, stack } = await failure(clickHouse.command('SELECT 1'));
    expect(`${message}${stack}`).not.toContain(PASSWORD);
  });
});

describe('what is sent', () => {
  it('is one synchronous insert under the given token, compressed, with one row a line', async () => {
    const { server, writer } = await openOn(takes, { database: 'watch' });
    const events = sampleEvents(1000);
    await writer.insertEvents(events, 'abc/events/3/0-999');
    const [asked] = server.asked;
    expect(server.asked).toHaveLength(1);
    expect(asked!.settings.get('database')).toBe('watch');
    expect(asked!.headers).toMatchObject({
      'content-encoding': 'zstd',
      authorization: `Basic ${Buffer.from(`archivist:${PASSWORD}`).toString('base64')}`,
    });
    expect(asked!.statement).toContain("insert_deduplication_token = 'abc/events/3/0-999#0+1000'");
    expect(asked!.statement).toContain('async_insert = 0');
    const ids = asked!.rows
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as unknown[])[2]);
    expect(ids).toEqual(events.map(({ event }) => event.id));
  });

  it('is cut where rows get heavy, at the same places every time', async () => {
    const { server, writer } = await openOn(takes);
    const heavy = Array.from({ length: 3000 }, (_, n) => sampleEvent(n, { statement: 'x'.repeat(8192) }));
    await writer.insertEvents(heavy, 'heavy');
    const first = server.asked.splice(0).map(({ statement }) => statement);
    await writer.insertEvents(heavy, 'heavy');
    expect(first.length).toBeGreaterThan(2);
    expect(server.asked.map(({ statement }) => statement)).toEqual(first);
    const pieces = first.map((statement) => /#(\d+)\+(\d+)'/.exec(statement)!.slice(1).map(Number));
    let next = 0;
    for (const [from, count] of pieces) {
      expect(from).toBe(next);
      next += count!;
    }
    expect(next).toBe(3000);
  });

  it('is nothing when there are no rows', async () => {
    const { server, writer } = await openOn(takes);
    await writer.insertEvents([], 'empty');
    await writer.insertFindings([], 'empty');
    expect(server.asked).toEqual([]);
  });

  it('never holds a token that could end the statement', async () => {
    const { server, writer } = await openOn(takes);
    for (const token of ["a' , x = '", 'a\\', 'a\nb', 'é', 'x'.repeat(600)]) {
      expect(await failure(writer.insertEvents(sampleEvents(1), token))).toMatchObject({ code: 'rejected' });
    }
    expect(server.asked).toEqual([]);
  });

  it('makes a database that is not there, and asks for no such right otherwise', async () => {
    const { server, clickHouse } = await openOn(takes, { database: 'watch' });
    await clickHouse.createDatabase();
    expect(server.asked.splice(0).map(({ statement }) => statement)).toEqual(['SELECT 1']);
    server.reply = (asked, response) =>
      asked.settings.get('database') === 'watch'
        ? exception(81, 'UNKNOWN_DATABASE', 404)(asked, response)
        : takes(asked, response);
    await clickHouse.createDatabase();
    expect(server.asked.map(({ statement, settings }) => [settings.get('database'), statement])).toEqual([
      ['watch', 'SELECT 1'],
      // The user's own default: none is named.
      [null, 'CREATE DATABASE IF NOT EXISTS watch'],
    ]);
  });

  it('binds values beside the statement', async () => {
    const { server, clickHouse } = await openOn(takes);
    await clickHouse.query('SELECT {name:String} AS name', { name: "x' OR 1=1 --" });
    expect(server.asked[0]!.statement).not.toContain('OR 1=1');
    expect(server.asked[0]!.settings.get('param_name')).toBe("x\\' OR 1=1 --");
  });
});

describe('opening and closing', () => {
  it.each(['ftp://host', 'nonsense', 'http://host:8123/?user=x', `http://me:${PASSWORD}@host:8123`])(
    'refuses the URL %s',
    async (url) => {
      const error = await failure(openClickHouse({ url }));
      expect(error.code).toBe('rejected');
      expect(error.message).not.toContain(PASSWORD);
    },
  );

  it('refuses a database name that is none', async () => {
    expect(await failure(openClickHouse({ url: 'http://host', database: 'a; DROP' }))).toMatchObject({
      code: 'rejected',
    });
  });

  it('keeps a path of the URL, for a proxy', async () => {
    const { server } = await openOn(takes);
    const clickHouse = await openClickHouse({ url: `${server.url}/behind/proxy` });
    open.push(clickHouse);
    await clickHouse.command('SELECT 1');
    expect(server.asked[0]).toMatchObject({ path: '/behind/proxy' });
    expect(server.asked[0]!.settings.get('database')).toBe('tokenwarden');
  });

  it('waits for calls in hand, then refuses', async () => {
    const { clickHouse, server } = await openOn((_, response) => void setTimeout(() => response.end(), 100));
    const insert = createStoreWriter(clickHouse).insertEvents(sampleEvents(1), 't');
    await expect.poll(() => server.asked.length).toBe(1);
    await clickHouse.close();
    await insert;
    expect(await failure(clickHouse.command('SELECT 1'))).toMatchObject({ code: 'closed' });
    await clickHouse.close();
  });
});
