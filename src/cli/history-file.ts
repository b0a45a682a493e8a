import { accessSync, constants, createReadStream, type ReadStream, statSync } from 'node:fs';
import type { Config } from '../config/load.ts';
import { readLines } from '../ingest/lines.ts';
import { unpack } from '../ingest/unpack.ts';
import type { RawRecord } from '../normalise/format.ts';
import { enrichOf, formatOf } from '../runtime/reading.ts';
import type { FileSource, OpenHistory } from './history-source.ts';
import { UsageError } from './io.ts';

/** Opens a file of records. @throws UsageError when it is none that can be read */
export function openFileHistory({ file, format }: FileSource, config: Config): OpenHistory {
  const sizeBytes = checkReadable(file);
  const input = createReadStream(file);
  return {
    where: file,
    format: formatOf(format),
    enrich: (keys) => enrichOf(config, { fingerprintTokens: 'when-secret' }, keys),
    records: recordsOf(file, input),
    share: () => (sizeBytes === 0 ? 1 : input.bytesRead / sizeBytes),
    close: async () => void input.destroy(),
  };
}

/** @returns the file's size in bytes. @throws UsageError when it is none that can be read */
export function checkReadable(file: string): number {
  try {
    accessSync(file, constants.R_OK);
    const facts = statSync(file);
    if (facts.isDirectory()) throw new UsageError(`cannot read ${file}: it is a folder`);
    return facts.size;
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError(`cannot read ${file} (${(cause as NodeJS.ErrnoException).code})`);
  }
}

async function* recordsOf(file: string, input: ReadStream): AsyncGenerator<RawRecord> {
  try {
    for await (const { offset, value } of readLines(file.endsWith('.gz') ? unpack(input) : input))
      yield { id: `replay/0/${offset}`, value };
  } catch (cause) {
    throw new UsageError(`cannot read ${file}: ${cause instanceof Error ? cause.message : cause}`);
  }
}
