import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { Features } from './features.ts';
import { type Grafted, taughtUntil } from './graft.ts';
import { judge, type Verdict } from './judge.ts';
import type { Method, Scores, SharedLog } from './scored-log.ts';

/** How one variant of a method did. */
export interface Compared {
  readonly method: string;
  readonly variant: string;
  readonly verdict: Verdict;
  /** All logs. */
  readonly seconds: number;
}

/** So many scores of a token before one that is judged still count in it when smoothed: four of the longest half-lives. */
const SMOOTHED_EVENTS = 64;

/**
 * Has each method score the log as it was and the grafted ones, each from its beginning.
 *
 * @param budgets false alerts a token-month
 * @returns by method, its variants, the best first: by the mean of what is caught at the budgets. Choosing by what is measured flatters those that
 *   have several, the peers
 */
export async function* compare(
  events: readonly AuditEvent[],
  grafts: readonly Grafted[],
  methods: readonly Method[],
  budgets: readonly number[],
  extraThresholds: readonly number[],
): AsyncGenerator<readonly Compared[]> {
  const countedFrom = taughtUntil(events);
  const before = shared(events, ({ at }) => at > countedFrom);
  const afters = grafts.map((grafted) => shared(grafted.events, isOfTheft(grafted)));
  for (const { name, score } of methods) {
    const startedAt = performance.now();
    const calm = await score(before);
    const stolen: (typeof calm)[] = [];
    for (const after of afters) stolen.push(await score(after));
    const seconds = (performance.now() - startedAt) / 1000;
    const compared = [...calm].map(([variant, scores]): Compared => {
      const onGrafted = grafts.map((grafted, i) => ({ ...grafted, scores: known(stolen[i]?.get(variant), variant) }));
      const verdict = judge({ events, scores }, onGrafted, countedFrom, budgets, extraThresholds);
      return { method: name, variant, verdict, seconds };
    });
    yield compared.sort((a, b) => meritOf(b) - meritOf(a));
  }
}

function meritOf({ verdict }: Compared): number {
  const shares = (verdict.caught['all']?.at ?? []).map(({ share }) => share);
  return shares.reduce((sum, share) => sum + share, 0);
}

function known(scores: Scores | undefined, variant: string): Scores {
  if (scores === undefined) throw new Error(`there is no variant "${variant}" on the grafted log`);
  return scores;
}

function isOfTheft({ labels }: Grafted): (event: AuditEvent) => boolean {
  const byToken = Map.groupBy(labels, ({ token }) => token);
  return ({ token, at }) => byToken.get(token)?.some(({ from, until }) => at >= from && at <= until) ?? false;
}

function shared(events: readonly AuditEvent[], isJudged: (event: AuditEvent) => boolean): SharedLog {
  const asked = new Uint8Array(events.length);
  const wanted = new Map<string, number>();
  for (const [index, event] of [...events.entries()].reverse()) {
    const left = isJudged(event) ? SMOOTHED_EVENTS + 1 : (wanted.get(event.token) ?? 0);
    asked[index] = left > 0 ? 1 : 0;
    wanted.set(event.token, left - 1);
  }
  return { events, features: new Features(events), asked };
}
