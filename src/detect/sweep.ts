import { DAY_MS } from '../baseline/time.ts';
import type { TokenHeader } from './header.ts';

/**
 * Making room. Anyone can invent tokens, so a full partition forgets young ones, those longest quiet first, and a mature one never. Which go
 * is a function of the events before `offset`; said in two numbers, so that it is durable in one record or not at all.
 */
export interface Sweep {
  /** Of the event that found no room: everything before it had been applied. */
  readonly offset: number;
  /** Young tokens whose last event is at or before this offset were forgotten. */
  readonly stampMax: number;
}

/** From then on a baseline has cost real time and is not given up: event time cannot be forged by more than a source's `ageDaysMax`. */
const MATURE_EVENT_COUNT = 10;
const MATURE_SPAN_MS = 2 * DAY_MS;
/** A sweep frees this share of all places, so that the next one is far. */
const FREED_SHARE = 1 / 4;
/** Below this share of young tokens it would free too little for what it costs: then new tokens are refused. */
const YOUNG_SHARE_MIN = 1 / 64;

/** Whether a token may be forgotten for others. Once it may not, it never may again. */
export function isYoung({ eventCount, firstSeenAt, lastSeenAt }: TokenHeader): boolean {
  return eventCount < MATURE_EVENT_COUNT || lastSeenAt - firstSeenAt < MATURE_SPAN_MS;
}

/** Whether so many young tokens are worth a sweep. */
export function sweepWorthwhile(youngCount: number, tokensMax: number): boolean {
  return youngCount >= Math.max(1, tokensMax * YOUNG_SHARE_MIN);
}

/** Up to which stamp young tokens have to go. @param stamps of all young tokens, at least one; sorted in place */
export function stampMaxOf(stamps: Float64Array, tokensMax: number): number {
  stamps.sort();
  const count = Math.min(stamps.length, Math.max(1, Math.floor(tokensMax * FREED_SHARE)));
  return stamps[count - 1] ?? -1;
}
