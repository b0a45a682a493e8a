import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const CACHE = join(import.meta.dirname, '..', '..', '.cache');
const BUILD_LIMIT_MS = 10 * 60_000;

export interface MavenBuild {
  /** What is built, in a word. */
  readonly name: string;
  readonly pom: string;
  /** Files beside the POM on which the result depends. */
  readonly sources?: readonly string[];
  /** Goals and properties that leave the result in a folder. */
  readonly goals: (folder: string) => readonly string[];
}

/**
 * Has Maven make a folder once, in the git-ignored `.cache/`; anew whenever the POM or a source changes.
 *
 * @returns the folder, or what is missing on this machine.
 */
export async function buildOnce(build: MavenBuild): Promise<{ folder: string } | { missing: string }> {
  const { name, pom, sources = [] } = build;
  if (!(await hasJava())) return { missing: 'Java 17 or later (`java`) on the path' };
  const hash = createHash('sha256');
  for (const file of [pom, ...sources]) hash.update(await readFile(file));
  const folder = join(CACHE, `${name}-${hash.digest('hex').slice(0, 12)}`);
  if (await exists(folder)) return { folder };
  await mkdir(CACHE, { recursive: true });
  const missing = await underLock(join(CACHE, `${name}.lock`), () => make(build, folder));
  return missing === undefined ? { folder } : { missing };
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

async function make({ name, pom, goals }: MavenBuild, folder: string): Promise<string | undefined> {
  if (await exists(folder)) return undefined;
  const partial = `${folder}.${randomUUID()}`;
  try {
    await run('mvn', ['-q', '-B', '-f', pom, ...goals(partial)], { timeout: BUILD_LIMIT_MS });
    await rename(partial, folder);
    return undefined;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    const reason = error instanceof Error ? error.message.split('\n').slice(0, 5).join('\n') : String(error);
    return `what Maven (\`mvn\`) could not fetch or build for ${name}: ${reason}`;
  }
}

/** Runs one at a time over all processes. A lock older than a build can take was left behind by one that was killed. */
async function underLock<T>(lock: string, action: () => Promise<T>): Promise<T> {
  while (!(await tryToMake(lock))) {
    const madeAt = (await stat(lock).catch(() => undefined))?.mtimeMs;
    if (madeAt !== undefined && Date.now() - madeAt > BUILD_LIMIT_MS) await rm(lock, { recursive: true, force: true });
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
