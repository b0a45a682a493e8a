import type { AnyDetector } from '../detect/detector.ts';
import { type ConfigDocument, readDocument, type Surroundings } from './document.ts';
import { ConfigError, problemsOf } from './problems.ts';
import { type Config, configSchema } from './schema.ts';

export type { Config, LogConfig, SourceConfig } from './schema.ts';

export interface LoadOptions extends Surroundings {
  /** Shown in errors. */
  readonly path: string;
  readonly text: string;
  /** Those that are there whatever the file says. */
  readonly detectors: readonly AnyDetector[];
  /** Loads those and the ones in these folders, which the file names. */
  readonly loadMore: (folders: readonly string[]) => Promise<readonly AnyDetector[]>;
}

/**
 * Reads a configuration and the detectors that it speaks of.
 *
 * @throws ConfigError with everything that is wrong, and DetectorError for a folder of detectors that cannot be used.
 */
export async function loadConfig(
  options: LoadOptions,
): Promise<{ readonly config: Config; readonly detectors: readonly AnyDetector[] }> {
  const document = readDocument(options.text, options);
  if (document.values === undefined) throw new ConfigError(options.path, document.problems, document);
  const folders = detectorFoldersOf(document);
  const detectors = folders.length > 0 ? await options.loadMore(folders) : options.detectors;
  const schema = configSchema(detectors);
  const checked = schema.safeParse(document.values);
  const problems = [...document.problems, ...(checked.success ? [] : problemsOf(checked.error, schema))];
  if (!checked.success || problems.length > 0) throw new ConfigError(options.path, problems, document);
  return { config: checked.data, detectors };
}

/** Looked up before the schema is there, since detectors are part of the schema; what is wrong with it the schema will say. */
function detectorFoldersOf({ values }: ConfigDocument): readonly string[] {
  const detection = (values as { detection?: { detectorFolders?: unknown } | null } | null)?.detection;
  const folders = detection?.detectorFolders;
  return Array.isArray(folders) ? folders.filter((folder) => typeof folder === 'string') : [];
}
