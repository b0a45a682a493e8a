import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const POM = join(import.meta.dirname, 'kafka-server', 'pom.xml');
const CACHE = join(import.meta.dirname, '..', '..', '.cache');
const FETCH_LIMIT_MS = 10 * 60_000;

/**
 * The jars of a Kafka server, fetched once by Maven into the git-ignored `.cache/`.
 *
 * @returns a class path for `java -cp`, or what is missing on this machine.
 */
export async function kafkaClassPath(): Promise<{ classPath: string } | { missing: string }> {
  if (!(await hasJava())) return { missing: 'Java 17 or later (`java`) on the path' };
  const pom = await readFile(POM);
  const folder = join(CACHE, `kafka-${createHash('sha256').update(pom).digest('hex').slice(0, 12)}`);
  const classPath = join(folder, '*');
  if (await exists(folder)) return { classPath };
  await mkdir(CACHE, { recursive: true });
  const missing = await underLock(join(CACHE, 'kafka.lock'), () => fetchJars(folder));
  return missing === undefined ? { classPath } : { missing };
}

async function hasJava(): Promise<boolean> {
  try {
    // `java -version` writes to stderr: 'openjdk version "17.0.15" 2025-04-15'.
    const { stderr } = await run('java', ['-version'], { timeout: 10_000 });
    return Number(/version "(\d+)/.exec(stderr)?.[1]) >= 17;
  } catch {
    return false; // Not installed, which the caller says.
  }
}

async function fetchJars(folder: string): Promise<string | undefined> {
  if (await exists(folder)) return undefined;
  const partial = `${folder}.${randomUUID()}`;
  try {
    const goal = ['-q', '-B', '-f', POM, 'dependency:copy-dependencies', `-DoutputDirectory=${partial}`];
    await run('mvn', [...goal, '-DincludeScope=runtime'], { timeout: FETCH_LIMIT_MS });
    await rename(partial, folder);
    return undefined;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    const reason = error instanceof Error ? error.message.split('\n').slice(0, 5).join('\n') : String(error);
    return `the server's jars, which Maven (\`mvn\`) could not fetch: ${reason}`;
  }
}

/** Runs one at a time over all processes. A lock older than a fetch can take was left behind by one that was killed. */
async function underLock<T>(lock: string, action: () => Promise<T>): Promise<T> {
  while (!(await tryToMake(lock))) {
    const madeAt = (await stat(lock).catch(() => undefined))?.mtimeMs;
    if (madeAt !== undefined && Date.now() - madeAt > FETCH_LIMIT_MS) await rm(lock, { recursive: true, force: true });
    await sleep(200);
  }
  try {
    return await action();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

async function tryToMake(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
