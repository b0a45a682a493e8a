import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Status } from '../../src/runtime/status.ts';
import { freePort } from '../support/guarded-process.ts';
import type { TokenwardenProcess } from '../support/tokenwarden-process.ts';
import type { FaultContext } from './scenario.ts';
import { startWatching } from './start.ts';
import { TRAP_FILE_VARIABLE, TRAPPED, type Trap } from './steps.ts';

const TRAPPED_MAIN = join(import.meta.dirname, 'trapped-main.ts');

/** One of several processes that share an installation. */
export interface Member {
  readonly name: string;
  readonly tokenwarden: TokenwardenProcess;
  /** Partitions of events in its hands, in order. */
  partitions(): Promise<readonly number[]>;
  /** Whether it is the one that responds. */
  isInOffice(): Promise<boolean>;
  /** It sends itself a signal at a step. */
  arm(trap: Trap): void;
  /** How often it has fallen into a trap. */
  trappedCount(): number;
}

/** Starts it, and waits until it watches. */
export async function startMember(
  context: Pick<FaultContext, 'folder' | 'defer'>,
  name: string,
  config: object,
): Promise<Member> {
  const port = await freePort();
  const { folder } = context;
  const trap = join(folder, `${name}.trap`);
  const tokenwarden = await startWatching(
    context,
    { ...config, dataFolder: join(folder, name), operations: { port } },
    { name, main: TRAPPED_MAIN, env: { [TRAP_FILE_VARIABLE]: trap } },
  );
  const status = async () => (await (await fetch(`http://127.0.0.1:${port}/status`)).json()) as Status;
  return {
    name,
    tokenwarden,
    partitions: async () => ((await status()).counts.detect?.partitions ?? []).map(({ partition }) => partition).sort(),
    isInOffice: async () => (await status()).counts.respond?.open !== null,
    arm(next) {
      writeFileSync(trap, JSON.stringify(next));
      tokenwarden.signal('SIGUSR2');
    },
    trappedCount: () => tokenwarden.log().split(TRAPPED).length - 1,
  };
}
