import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { buildOnce } from '../../test/support/maven.ts';
import type { Program } from './outside.ts';

const run = promisify(execFile);
const PROJECT = join(import.meta.dirname, 'peers');
const CACHE = join(import.meta.dirname, '..', '..', '.cache');
const INSTALL_LIMIT_MS = 20 * 60_000;

/** What could be built, and what each of the others needs. */
export interface Programs {
  readonly programs: readonly Program[];
  readonly missing: readonly string[];
}

/** Builds the programs of others, once, in the git-ignored `.cache/`. */
export async function buildPrograms(): Promise<Programs> {
  const [forest, python] = [await buildCutForest(), await makeEnvironment()];
  const programs: Program[] = [];
  const missing: string[] = [];
  if ('missing' in forest) missing.push(`Random Cut Forest needs ${forest.missing}`);
  else programs.push({ name: 'Random Cut Forest', command: forest.command });
  if ('missing' in python) missing.push(`half-space trees and isolation forest need ${python.missing}`);
  else {
    const script = (name: string) => [python.python, join(PROJECT, name)];
    programs.push({ name: 'half-space trees', command: script('half_space_trees.py') });
    programs.push({ name: 'isolation forest', command: script('isolation_forest.py') });
  }
  return { programs, missing };
}

async function buildCutForest(): Promise<{ command: readonly string[] } | { missing: string }> {
  const built = await buildOnce({
    name: 'detection-peer',
    pom: join(PROJECT, 'pom.xml'),
    sources: [join(PROJECT, 'src/main/java/peer/CutForest.java')],
    goals: (folder) => [
      'compile',
      'dependency:copy-dependencies',
      '-DincludeScope=runtime',
      `-DbuildDirectory=${folder}`,
    ],
  });
  if ('missing' in built) return built;
  const classPath = [join(built.folder, 'classes'), join(built.folder, 'dependency', '*')].join(delimiter);
  return { command: ['java', '-Xmx1g', '-cp', classPath, 'peer.CutForest'] };
}

async function makeEnvironment(): Promise<{ python: string } | { missing: string }> {
  const requirements = join(PROJECT, 'requirements.txt');
  const hash = createHash('sha256').update(await readFile(requirements));
  const folder = join(CACHE, `detection-python-${hash.digest('hex').slice(0, 12)}`);
  const python = join(folder, 'bin', 'python');
  // The last thing that is made: an environment is not moved to its place, since its scripts know where they are.
  const mark = join(folder, 'complete');
  if ((await stat(mark).catch(() => undefined)) !== undefined) return { python };
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(CACHE, { recursive: true });
    await run('python3', ['-m', 'venv', folder], { timeout: INSTALL_LIMIT_MS });
    const install = ['-m', 'pip', 'install', '-q', '--only-binary', ':all:', '-r', requirements];
    await run(python, install, { timeout: INSTALL_LIMIT_MS });
    await writeFile(mark, '');
    return { python };
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n').slice(0, 5).join('\n') : String(error);
    return { missing: `Python 3.11 or later (\`python3\`) with what \`requirements.txt\` names: ${reason}` };
  }
}
