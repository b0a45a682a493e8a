import { readdir } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { z } from 'zod';
import type { AnyDetector } from '../detect/detector.ts';
import { DIMENSIONS, SEVERITIES, STATUSES } from '../domain/finding.ts';
import { provideKit } from './provide-kit.ts';

/** What Node runs as it is. Ours are `.ts` in a checkout and `.js` in the published package. */
const EXTENSIONS = ['.ts', '.js', '.mjs'];

/** The detectors that come with the program. */
export const BUILT_IN_FOLDER = resolve(fileURLToPath(import.meta.url), '../../../detectors');

/** Detectors are synchronous: an answer that comes later is none, and one that fails later would end the process. */
const answering = z
  .custom<(...args: never[]) => unknown>((value) => typeof value === 'function', 'must be a function')
  .refine((value) => value.constructor.name !== 'AsyncFunction', 'must not be async: detectors answer at once');

const shape = z.looseObject({
  id: z.string().regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'kebab-case'),
  title: z.string().min(1),
  description: z.string().min(1),
  status: z.enum(STATUSES),
  severity: z.enum(SEVERITIES),
  dimension: z.enum(DIMENSIONS),
  trust: z.enum(['verified', 'reported', 'claimed']),
  attack: z.array(z.string().regex(/^T\d{4}(\.\d{3})?$/)),
  falsePositives: z.array(z.string()),
  runbook: z.string().min(1),
  config: z.instanceof(z.ZodObject),
  remembers: z.record(z.string(), z.looseObject({ kind: z.string(), version: z.number(), sizeBytes: z.number() })),
  isCertain: z.boolean().optional(),
  bitsMax: z.number().positive().optional(),
  score: answering,
  learn: answering,
  evidence: answering,
  explain: answering,
  dimensionOf: answering.optional(),
  cases: z.array(z.looseObject({ name: z.string(), expect: z.enum(['fires', 'silent']) })),
});

/** A detector file that cannot be used; `message` names the file and every fault in it. */
export class DetectorError extends Error {
  override readonly name = 'DetectorError';
  readonly code = 'bad-detector';
}

/**
 * Loads every detector of the given folders, in order of id. The folder is the registry: a file's default export is a detector, its name
 * the detector's id.
 *
 * @throws DetectorError for a file that is no detector, a name that is not its id, and an id that exists twice.
 */
export async function loadDetectors(folders: readonly string[] = [BUILT_IN_FOLDER]): Promise<readonly AnyDetector[]> {
  provideKit();
  const detectors = new Map<string, AnyDetector>();
  for (const folder of folders) {
    for (const file of await detectorFiles(folder)) {
      const detector = await loadDetector(file);
      if (detectors.has(detector.id))
        throw new DetectorError(`${file}: a detector named "${detector.id}" is loaded already`);
      detectors.set(detector.id, detector);
    }
  }
  return [...detectors.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

async function detectorFiles(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    throw new DetectorError(`cannot read the detector folder ${folder} (${cause.code}): check --detectors`, { cause });
  });
  return names
    .filter((name) => EXTENSIONS.includes(extname(name)) && !name.endsWith('.d.ts') && !name.includes('.test.'))
    .sort()
    .map((name) => resolve(join(folder, name)));
}

async function loadDetector(file: string): Promise<AnyDetector> {
  const loaded = (await import(pathToFileURL(file).href)) as { default?: unknown };
  const checked = shape.safeParse(loaded.default);
  if (!checked.success) {
    throw new DetectorError(`${file} has no detector as its default export:\n${z.prettifyError(checked.error)}`);
  }
  const expected = basename(file, extname(file));
  if (checked.data.id !== expected) {
    throw new DetectorError(`${file}: its id is "${checked.data.id}" and must be "${expected}", like the file`);
  }
  return loaded.default as AnyDetector;
}
