import { existsSync, readFileSync } from 'node:fs';
import { Option } from 'commander';
import { type Config, loadConfig } from '../config/load.ts';
import type { AnyDetector } from '../detect/detector.ts';
import type { Log } from '../log/log.ts';
import { FORMATS } from '../normalise/formats.ts';
import { BUILT_IN_FOLDER, loadDetectors } from '../runtime/load-detectors.ts';
import { createLogger } from '../runtime/logger.ts';
import { openLog } from '../runtime/open-log.ts';
import { type CliIo, UsageError } from './io.ts';

const DEFAULT_PATH = 'tokenwarden.yaml';

export function configOption(): Option {
  return new Option(
    '-c, --config <file>',
    `configuration file (default: ${DEFAULT_PATH} if there is one, else all defaults)`,
  );
}

/** How a file of records is to be read. */
export function formatOption(): Option {
  return new Option('--format <id>', 'how to read them').choices(FORMATS.map(({ id }) => id)).default('canonical');
}

export function detectorsOption(): Option {
  return new Option(
    '--detectors <folder...>',
    'folders with detectors of your own, beside the built-in and configured ones',
  );
}

/** A configuration with the detectors it speaks of. */
export interface Project {
  readonly config: Config;
  readonly detectors: readonly AnyDetector[];
}

/**
 * Reads the configuration and loads the detectors that it and the command line name.
 *
 * @throws ConfigError, DetectorError, UsageError: each says what to mend.
 */
export async function loadProject(
  io: CliIo,
  path: string | undefined,
  folders: readonly string[] = [],
): Promise<Project> {
  const file = path ?? (existsSync(DEFAULT_PATH) ? DEFAULT_PATH : undefined);
  const text = file === undefined ? '' : readText(file);
  const options = { path: file ?? '(defaults)', text, env: io.env, readFile: readText };
  const builtIn = await loadDetectors([BUILT_IN_FOLDER, ...folders]);
  return loadConfig({
    ...options,
    detectors: builtIn,
    loadMore: (more) => loadDetectors([BUILT_IN_FOLDER, ...folders, ...more]),
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new UsageError(`cannot read ${path} (${(cause as NodeJS.ErrnoException).code})`);
  }
}

/** Opens the log of a configuration for a command, and closes it whatever happens. */
export async function withLog<T>(
  io: CliIo,
  path: string | undefined,
  access: 'read' | 'append',
  use: (log: Log, project: Project) => Promise<T>,
): Promise<T> {
  const project = await loadProject(io, path);
  const log = await openLog(project.config, access, createLogger('warn'));
  try {
    return await use(log, project);
  } finally {
    await log.close();
  }
}
