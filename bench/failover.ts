import { partitionOf } from '../src/domain/partition.ts';
import { TOPICS } from '../src/pipeline/topics.ts';
import type { SimulatedToken } from '../src/simulate/fleet.ts';
import { theftOf } from '../src/simulate/theft.ts';
import { DETECT, type Installation, type Instance, PARTITION_COUNT, until, untilCaughtUp } from './installation.ts';
import { isOrderOf } from './latency.ts';
import { startLoad } from './load.ts';
import { storedRecord } from './stored-record.ts';

const LOAD_PER_SECOND = 2000;
const LIMIT_MS = 60_000;

/**
 * Two processes share the partitions under load. One is killed as `kill -9` does, and a token is stolen in each of its partitions: the time
 * until the other has noticed, taken over, restored, worked off what came since, and has had all of them revoked. Time-outs are those of
 * production.
 *
 * @param owner has all partitions, and is the one that dies
 * @param first where the load before this one ended
 * @returns seconds until the last partition of the dead one decides again
 */
export async function measureFailover(
  installation: Installation,
  owner: Instance,
  victims: readonly SimulatedToken[],
  first: number,
  say: (text: string) => void,
): Promise<number> {
  const { brokers, prefix, log, receiver } = installation;
  const other = await joinedBy(installation, owner);
  await untilCaughtUp(log, DETECT, 5000, LIMIT_MS);
  const load = await startLoad({ brokers, topicPrefix: prefix, perSecond: LOAD_PER_SECOND, first });
  try {
    const lost = await partitionsOf(owner);
    say(
      `killing the owner of ${lost.length} partitions of ${PARTITION_COUNT}; ${await countOf(other)} are somebody else's`,
    );
    const killedAt = performance.now();
    await owner.process.kill();
    const stolen = lost.map((partition) =>
      victims.filter(({ token }) => partitionOf(token, PARTITION_COUNT) === partition),
    );
    await log.append(TOPICS.events, stolen.flat().flatMap(theftRecords));
    const revoked = (tokens: readonly SimulatedToken[]) =>
      receiver.requests.find((request) => tokens.some((token) => isOrderOf(request, token)));
    await until('every partition decides again', () => stolen.every((tokens) => revoked(tokens)), LIMIT_MS, 10);
    const firstAt = stolen.map((tokens) => revoked(tokens)?.at ?? Number.NaN);
    return (Math.max(...firstAt) - killedAt) / 1000;
  } finally {
    await load.stop();
  }
}

/** Starts another, and waits until they share. */
async function joinedBy(installation: Installation, first: Instance): Promise<Instance> {
  const second = await installation.start();
  const isShared = async () => (await countOf(second)) > 0 && (await countOf(first)) < PARTITION_COUNT;
  await until('the second has partitions', isShared, LIMIT_MS);
  return second;
}

async function countOf(instance: Instance): Promise<number> {
  return (await partitionsOf(instance)).length;
}

async function partitionsOf(instance: Instance): Promise<readonly number[]> {
  const tokens = await instance.metric('tokenwarden_tokens');
  return [...tokens.keys()].map((labels) => Number(/partition="(\d+)"/.exec(labels)?.[1]));
}

function theftRecords(victim: SimulatedToken) {
  return theftOf(victim, 'failover', Date.now())
    .slice(0, 12)
    .map((record, i) => storedRecord(record, `theft/${victim.token}/${i}`));
}
