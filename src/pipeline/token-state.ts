import { Engine, type EngineOptions } from '../detect/engine.ts';
import type { TokenSummary } from '../detect/header.ts';
import { partitionOf } from '../domain/partition.ts';
import type { Log } from '../log/log.ts';
import { BaselineReader } from './baselines.ts';
import { TOPICS } from './topics.ts';

export type TokenState = TokenSummary & { readonly token: string };

/** A token's state as it was last made durable; `undefined` for a token never seen. */
export async function readTokenState(log: Log, options: EngineOptions, token: string): Promise<TokenState | undefined> {
  const partitions = await log.offsets(TOPICS.baselines);
  const engine = new Engine(options);
  await new BaselineReader(partitionOf(token, partitions.length), engine, (key) => key === token).readOn(log);
  const summary = engine.summary(token);
  return summary && { token, ...summary };
}
