import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { unpack } from '../../src/ingest/unpack.ts';

/** What one event of a process log says, and the trace it stands in: values by key. */
export interface XesEvent {
  readonly event: ReadonlyMap<string, string>;
  readonly trace: ReadonlyMap<string, string>;
}

const ATTRIBUTE = /<(?:string|date|int|float|boolean) key="([^"]*)" value="([^"]*)"/;

/** Reads a process log (IEEE 1849, XES) whose elements have lines of their own, as the published ones have. */
export async function* readXes(path: string): AsyncGenerator<XesEvent> {
  const file = createReadStream(path);
  const lines = createInterface({
    input: path.endsWith('.gz') ? unpack(file) : file,
  });
  let trace = new Map<string, string>();
  let event: Map<string, string> | undefined;
  for await (const line of lines) {
    if (line.includes('<trace')) trace = new Map();
    else if (line.includes('<event')) event = new Map();
    else if (line.includes('</event') && event !== undefined) {
      yield { event, trace };
      event = undefined;
    } else {
      const [, key, value] = ATTRIBUTE.exec(line) ?? [];
      if (key !== undefined && value !== undefined) (event ?? trace).set(key, value);
    }
  }
}
