import type { ActiveDaysWrite } from '../baseline/active-days.ts';
import type { NameOf } from '../baseline/facts.ts';
import { type Layout, type LayoutOf, layOut, Moves, opener } from '../baseline/layout.ts';
import type { Fields } from '../baseline/record.ts';
import { createSlab, type Slab } from '../baseline/slab.ts';
import { SlotSet } from '../baseline/slot-set.ts';
import { dayOf } from '../baseline/time.ts';
import { type Aside, precedesEvents, tokenOf } from '../domain/aside.ts';
import { type AuditEvent, isFailedLogin } from '../domain/audit-event.ts';
import { type Assessment, EPISODE_GAP_MS, type Finding } from '../domain/finding.ts';
import { bitsOf } from './answers.ts';
import type { Thresholds } from './budget.ts';
import { type ClosedDay, daysOf } from './closed-day.ts';
import { assessmentOf, describe, findingOf } from './describe.ts';
import { type Installed, isConcerned } from './detector.ts';
import { factsOf, summaryOf, type TokenFact } from './facts.ts';
import { Fleet, type FleetPace } from './fleet.ts';
import { contributionOf, newsOf, SUM_PRIOR, scoreOf, sizeOf } from './fusion.ts';
import { sumsOf } from './gathering.ts';
import { stampIn, type TokenHeader, type TokenSummary } from './header.ts';
import { Judgement } from './judgement.ts';
import { learningWeight } from './learning.ts';
import { type Episode, encodeNotes, NoteBook, type Notes, openEpisode } from './notes.ts';
import { applyNotice, hasToLearn, type Noticing, noticingOf } from './notice.ts';
import { ANY_OPEN, BITS, type OpenSums } from './open-sums.ts';
import { type OwnMemory, ownMemory } from './own-memory.ts';
import { Places } from './places.ts';
import { applyRollback, type Rollback, type RollbackOutcome } from './rollback.ts';
import { openSlots, type Slot } from './slots.ts';
import { readSnapshot, snapshotWriter } from './snapshot.ts';
import { keptAfter } from './suspicion.ts';
import { isWorthTelling, noteTold } from './telling.ts';
import { applyVerdict } from './verdict.ts';

export interface EngineOptions {
  readonly installed: readonly Installed[];
  readonly thresholds: Thresholds;
  readonly hashSeed: number;
  readonly tokensMax: number;
  /** Default: for real ones. */
  readonly fleetPace?: FleetPace;
  /** A detector threw, or answered with garbage (`BadAnswer`): isolated and reported; the others go on. */
  readonly onFailure: (detectorId: string, cause: unknown) => void;
}

/** The most one ordinary event may take back from a sum. */
const BITS_MIN = -1;
/** Evidence worth keeping in words. */
const NOTE_BITS = 2;
/** Share of the alert threshold from which less than that is worth it too, beside what was kept. */
const NOTE_SHARE = 0.25;
const SUSPECTS_MAX = 20_000;
/** Contribution from which a detector is worth naming. */
const NAMED_BITS = 1;
/** What must be left of a certain finding's bits for it to hold. */
const CERTAIN_SUM_MIN = 4;
/** Records of a checkpoint that are waited for together. */
const TOUCHED = 16;

/**
 * Scores and learns the events of one partition's tokens, in order: detectors give bits, sums collect them, calibration makes them
 * comparable, fusion adds them up, and what is over the threshold is told as an assessment. Synchronous and deterministic: the same
 * events at the same offsets give the same assessments and the same bytes.
 */
export class Engine {
  readonly layout: Layout;
  /** Who has a record here. */
  readonly places: Places;
  readonly fleet: Fleet;
  readonly #options: EngineOptions;
  readonly #slab: Slab;
  readonly #write: ReturnType<typeof snapshotWriter>;
  readonly #slots: readonly Slot[];
  readonly #own: OwnMemory;
  readonly #header: TokenHeader;
  readonly #openSums: OpenSums;
  readonly #closedDay: ClosedDay;
  readonly #activeDays: ActiveDaysWrite;
  readonly #noticing: readonly Noticing[];
  /** Which of the slots remember anything. */
  readonly #learners: readonly number[];
  readonly #notes = new NoteBook(SUSPECTS_MAX);
  readonly #dirty = new SlotSet();
  readonly #moves: Moves;
  /** Detectors, by their numbers, that judge refused logins too. */
  readonly #judgesOfRefused: readonly number[];
  /** Of the last observed event. */
  readonly #judgement: Judgement;
  /** Whether the event at hand took the token: a refused login does not, and is for those who judge such. */
  #isUse = true;
  #unadmittedCount = 0;
  #replayedCount = 0;

  constructor(options: EngineOptions) {
    const { installed } = options;
    const own = ownMemory();
    const sums = sumsOf(installed);
    this.#options = options;
    this.layout = layOut([
      { id: 'engine', fields: { ...own, ...sums } },
      ...installed.map(({ detector }) => ({ id: detector.id, fields: detector.remembers as Fields })),
    ]);
    this.fleet = new Fleet(options.hashSeed, options.fleetPace);
    this.#slab = createSlab({
      fleet: this.fleet.view,
      recordBytes: this.layout.sizeBytes,
      tokensMax: options.tokensMax,
      hashSeed: options.hashSeed,
    });
    this.#moves = new Moves(this.layout);
    this.#write = snapshotWriter(this.layout.fingerprint, this.#slab);
    const open = opener(this.layout, this.#slab.view);
    this.#own = open('engine', own);
    // At every event.
    ({ header: this.#header, openSums: this.#openSums } = this.#own);
    ({ closedDay: this.#closedDay, activeDays: this.#activeDays } = this.#own);
    this.places = new Places({
      slab: this.#slab,
      header: this.#header,
      tokensMax: options.tokensMax,
      isKept: () => this.#noticing.some(({ field }) => field.isGiven),
      onForget: (slot) => {
        this.#notes.delete(slot);
        this.#dirty.delete(slot);
      },
    });
    this.#slots = openSlots(installed, open, sums);
    this.#noticing = noticingOf(this.#slots);
    this.#learners = this.#slots.flatMap((slot, i) => (hasToLearn(slot) ? [i] : []));
    this.#judgesOfRefused = this.#slots.flatMap(({ judgesFailedLogins }, i) => (judgesFailedLogins ? [i] : []));
    this.#judgement = new Judgement(this.#slots.map(({ isCertain }) => isCertain));
  }

  get tokenCount(): number {
    return this.#slab.tokenCount;
  }

  /** Events of tokens that found no place since the last call: there was no young token to make room. Whoever runs the engine tells of it. */
  takeUnadmittedCount(): number {
    const count = this.#unadmittedCount;
    this.#unadmittedCount = 0;
    return count;
  }

  /** Events skipped since the last call because their token's stamp has them already. */
  takeReplayedCount(): number {
    const count = this.#replayedCount;
    this.#replayedCount = 0;
    return count;
  }

  /** What a person may want to know about a token; `undefined` if it is unknown. */
  summary(token: string): TokenSummary | undefined {
    return this.#slab.find(token) ? summaryOf(this.#own, this.#slots) : undefined;
  }

  /** What is usual for a token, in words; `undefined` if it is unknown. */
  facts(token: string, nameOf: NameOf): readonly TokenFact[] | undefined {
    return this.#slab.find(token) ? factsOf(this.#own, this.#slots, nameOf) : undefined;
  }

  /** The fused score of the last observed event, bits. */
  get lastScore(): number {
    return this.#judgement.score;
  }

  /**
   * Takes one event. Events of one partition come in offset order; one that was applied already is skipped.
   *
   * @returns an assessment when the score is over the threshold and there is something new to tell.
   */
  observe(event: AuditEvent, offset: number, loggedAt: number): Assessment | undefined {
    this.#judgement.begin();
    if (this.fleet.isDayOver(event, offset, loggedAt)) this.endFleetDay(event);
    const assessment = this.#observe(event, offset, loggedAt);
    this.fleet.take(event, offset, loggedAt);
    return assessment;
  }

  /**
   * Ends the fleet's day before an event, with the tokens' days that ended in it. The engine sees to it; whoever makes records
   * durable calls it before, and then has everything written, so that a crash finds all records as they are now or from before.
   */
  endFleetDay(event: AuditEvent): void {
    this.fleet.endDay(event, daysOf(this.#slab, this.#header, this.#closedDay, this.fleet.turn));
  }

  #observe(event: AuditEvent, offset: number, loggedAt: number): Assessment | undefined {
    if (this.places.isBeforeSweep(offset)) {
      this.#replayedCount += 1;
      return undefined;
    }
    const isAdmitted = this.#admit(event.token, offset);
    this.fleet.view.turnTo(this.#slab.lastHash);
    if (!isAdmitted) return undefined;
    const header = this.#header;
    if (offset <= header.stamp) {
      this.#replayedCount += 1;
      return undefined;
    }
    this.#isUse = !isFailedLogin(event);
    if (this.#isUse) this.#turnDay(event.at);
    const score = this.#judge(event);
    const assessment = this.#follow(event, loggedAt, score);
    this.#learn(event, loggedAt, score);
    const wasYoung = this.places.isYoung;
    header.stamp = offset;
    if (header.firstSeenAt === 0) header.firstSeenAt = event.at;
    if (event.at > header.lastSeenAt) header.lastSeenAt = event.at;
    if (this.#isUse) header.eventCount += 1;
    this.places.aged(wasYoung);
    this.#dirty.add(this.#slab.slot);
    return assessment;
  }

  #admit(token: string, offset: number): boolean {
    this.places.makeRoom(token, offset);
    const isAdmitted = this.places.admit(token);
    if (!isAdmitted) this.#unadmittedCount += 1;
    return isAdmitted;
  }

  /** Takes a verdict or a notice at its place among the token's events. One that was applied already is skipped, as an event would be. */
  takeAside(aside: Aside, offset: number): void {
    if (this.places.isBeforeSweep(offset)) return;
    const token = tokenOf(aside);
    if (!(precedesEvents(aside) ? this.#admit(token, offset) : this.#slab.find(token))) return;
    if (offset <= this.#header.stamp) return;
    const { slot } = this.#slab;
    const wasYoung = this.places.isYoung;
    if ('notice' in aside) applyNotice(aside.notice, this.#noticing, this.#notes, slot);
    else applyVerdict(aside.verdict, { slots: this.#slots, answers: this.#own.answers, notes: this.#notes, slot });
    this.#header.stamp = offset;
    this.places.aged(wasYoung);
    this.#dirty.add(slot);
  }

  /** Puts what was known of a token once in the place of what is known now, at its place among the token's events. */
  rollBack(rollback: Rollback, offset: number, layoutOf: LayoutOf): RollbackOutcome {
    if (this.places.isBeforeSweep(offset)) return 'repeated';
    if (!this.#slab.find(rollback.token)) return 'unknown-token';
    if (offset <= this.#header.stamp) return 'repeated';
    const { slot } = this.#slab;
    const read = { moves: this.#moves, layoutOf, hashSeed: this.#options.hashSeed };
    const target = { ...this.#own, slots: this.#slots, record: this.#slab.bytesAt(slot) };
    const outcome = applyRollback(rollback, { ...read, ...target });
    this.#header.stamp = offset;
    this.#dirty.add(slot);
    return outcome;
  }

  /** Tokens changed since the last call, as snapshots; the caller makes them durable. */
  *takeDirty(): Generator<{ readonly token: string; readonly snapshot: Uint8Array }> {
    // In the order in which they stand in memory: pages are found faster so.
    const slots = this.#dirty.take();
    for (let i = 0; i < slots.length; i++) {
      if (i % TOUCHED === 0) this.#slab.touch(slots.subarray(i, i + TOUCHED));
      const slot = slots[i] as number;
      yield { token: this.#slab.tokenAt(slot), snapshot: this.#snapshot(slot) };
    }
  }

  /** Records that are to be written, or deleted. */
  get dirtyCount(): number {
    return this.#dirty.size + this.places.forgottenCount;
  }

  /** A copy of one token's state, or `undefined` if it is unknown. */
  snapshot(token: string): Uint8Array | undefined {
    return this.#slab.find(token) ? this.#snapshot(this.#slab.slot) : undefined;
  }

  /**
   * Takes a token's state back from a snapshot, written by this or another version of the program.
   *
   * @returns `false` if what is known of the token is already newer, or the layout is unknown.
   */
  restore(token: string, snapshot: Uint8Array, layoutOf: LayoutOf): boolean {
    const { fingerprint, record, notes } = readSnapshot(snapshot);
    const moves = this.#moves.from(fingerprint, layoutOf);
    if (moves === undefined || !this.places.admit(token)) return false;
    const wasYoung = this.places.isYoung;
    const stampNow = this.#header.stamp;
    const target = this.#slab.bytesAt(this.#slab.slot);
    const before = stampNow >= 0 ? target.slice() : undefined;
    for (const move of moves) target.set(record.subarray(move.from, move.from + move.sizeBytes), move.to);
    if (fingerprint !== this.layout.fingerprint) this.#openSums.bits = ANY_OPEN;
    if (before && this.#header.stamp < stampNow) {
      target.set(before);
      return false;
    }
    this.places.aged(wasYoung);
    if (this.places.forgetIfSwept()) return false;
    this.#notes.restore(this.#slab.slot, notes);
    return true;
  }

  /** Whether a snapshot is not the latest there is of a token, `null` being that there is nothing: then it must not be the last one in the log. */
  isOutdated(token: string, snapshot: Uint8Array | null): boolean {
    if (!this.#slab.find(token)) return false;
    if (snapshot === null) return true;
    const { fingerprint, record } = readSnapshot(snapshot);
    return fingerprint !== this.layout.fingerprint || stampIn(record) < this.#header.stamp;
  }

  /** Has a token's state made durable again, as if it had changed. @returns whether it would not have been */
  touch(token: string): boolean {
    return this.#slab.find(token) && this.#dirty.add(this.#slab.slot);
  }

  /** Forgets all stamps: the events log was made anew and counts from 0 again. */
  resetStamps(): void {
    this.places.reset();
    this.fleet.reset();
    for (const token of this.#slab.tokens()) {
      this.#slab.find(token);
      this.#header.stamp = -1;
      this.#dirty.add(this.#slab.slot);
    }
  }

  #turnDay(at: number): void {
    const day = dayOf(at);
    const header = this.#header;
    if (day <= header.day) return;
    if (header.day > 0) {
      for (const slot of this.#slots) slot.suspicion.closeDay(SUM_PRIOR, day - header.day);
      this.#closedDay.close(this.fleet.turn);
    }
    this.#activeDays.beginDay(header.day > 0 ? day - header.day : 1);
    header.day = day;
  }

  /** Bits → sums → surprises → how seldom days get there → fused score. */
  #judge(event: AuditEvent): number {
    const judgement = this.#judgement;
    let decay: number | undefined;
    let isNews = false;
    const openBefore = this.#openSums.bits;
    let open = 0;
    for (let i = 0; i < this.#slots.length; i++) {
      const slot = this.#slots[i] as Slot;
      const answer = this.#scoreOf(slot, event);
      const bits = answer ?? 0;
      judgement.hear(i, bits);
      // Most tokens have done nothing, and do nothing now.
      if (bits <= 0 && i < BITS && ((openBefore >>> i) & 1) === 0) continue;
      if (slot.suspicion.sum > 0) decay ??= this.#decayUntil(event.at);
      const sum = slot.suspicion.accumulate(answer, decay ?? 0);
      if (sum > 0) {
        if (i < BITS) open |= 1 << i;
        this.#weigh(slot, i, sum);
      }
      isNews ||= bits > 0;
    }
    if (open >>> 0 !== openBefore) this.#openSums.bits = open;
    if (judgement.fused > 0) {
      if (this.#isUse) this.#closedDay.observe(sizeOf(judgement.fused - this.#ofRefusedLogins()));
      judgement.settle(this.#worthOf(judgement.fused));
    }
    if (isNews) this.#note(event);
    return judgement.score;
  }

  /** What refused logins may have left in the fused sum, and this use adds nothing to: anyone can have them written, and the fleet's days would get higher by them. */
  #ofRefusedLogins(): number {
    let left = 0;
    for (const i of this.#judgesOfRefused)
      if (this.#judgement.bitsOf(i) <= 0) left += this.#judgement.contributionOf(i);
    return left;
  }

  /** How suspicious the event is, news or not. */
  #suspicionOf(score: number): number {
    const { fused, whole } = this.#judgement;
    return whole > fused ? Math.max(score, this.#worthOf(whole)) : score;
  }

  #worthOf(fused: number): number {
    return scoreOf(this.fleet.days.bits(sizeOf(fused)), this.#activeDays.share);
  }

  #weigh({ isCertain, suspicion, weight }: Slot, i: number, sum: number): void {
    if (isCertain) {
      // What must not happen at all is worth what revoking takes, for as long as it is fresh.
      if (weight > 0 && sum >= CERTAIN_SUM_MIN) this.#judgement.assert(i, this.#options.thresholds.revoke);
      return;
    }
    const contribution = contributionOf(suspicion.surprise(sum, SUM_PRIOR), weight);
    if (contribution === 0) return;
    const { lately } = suspicion;
    // Nearly always: too little to take anything off.
    const before = lately <= 1 ? 0 : contributionOf(suspicion.surprise(lately, SUM_PRIOR), weight);
    this.#judgement.weigh(i, contribution, newsOf(contribution, before));
  }

  /** What time has left of a sum, 0..1. */
  #decayUntil(at: number): number {
    const { lastSeenAt } = this.#header;
    return lastSeenAt === 0 ? 0 : keptAfter(at - lastSeenAt);
  }

  #scoreOf(slot: Slot, event: AuditEvent): number | undefined {
    if (!isConcerned(slot, this.#isUse)) return undefined;
    try {
      const bits = bitsOf(slot.score.call(slot.detector, slot.fields, event, slot.config));
      return bits === undefined ? undefined : Math.min(slot.bitsMax, Math.max(BITS_MIN, bits));
    } catch (cause) {
      this.#options.onFailure(slot.detector.id, cause);
      return undefined;
    }
  }

  /** Strong evidence opens a note; what follows it is added once the token is suspect: most never are, and words cost. */
  #note(event: AuditEvent): void {
    const isSuspect = this.#judgement.score >= NOTE_SHARE * this.#options.thresholds.alert;
    for (let i = 0; i < this.#slots.length; i++) {
      const bits = this.#judgement.bitsOf(i);
      if (bits <= 0 || (bits < NOTE_BITS && !isSuspect)) continue;
      const slot = this.#slots[i] as Slot;
      const known = this.#notes.get(this.#slab.slot)?.evidence.get(slot.detector.id);
      if (bits < NOTE_BITS && known === undefined) continue;
      const { evidence } = this.#notes.open(this.#slab.slot);
      evidence.set(slot.detector.id, describe(slot, event, bits, known, this.#options.onFailure));
    }
  }

  /** Opens, continues or ends the token's episode; tells about it when there is something to tell. */
  #follow(event: AuditEvent, loggedAt: number, score: number): Assessment | undefined {
    const above = score >= this.#options.thresholds.alert;
    let notes = this.#notes.get(this.#slab.slot);
    if (!above && notes === undefined) return undefined;
    notes ??= this.#notes.open(this.#slab.slot);
    if (notes.episode && event.at - notes.episode.lastAboveAt > EPISODE_GAP_MS) notes.episode = null;
    if (above) notes.episode ??= openEpisode(event);
    const { episode } = notes;
    if (episode === null) {
      if (score === 0) this.#notes.delete(this.#slab.slot);
      return undefined;
    }
    if (this.#isUse) episode.eventCount += 1;
    episode.rowCount += event.rows ?? 0;
    episode.byteCount += event.bytes ?? 0;
    if (!above) return undefined;
    episode.lastAboveAt = Math.max(episode.lastAboveAt, event.at);
    return this.#tell(event, loggedAt, score, notes, episode);
  }

  #tell(event: AuditEvent, loggedAt: number, score: number, notes: Notes, episode: Episode): Assessment | undefined {
    const { thresholds } = this.#options;
    const named = this.#slots.filter((_, i) => this.#judgement.contributionOf(i) >= NAMED_BITS);
    const detectors = named.map((slot) => slot.detector.id);
    if (!isWorthTelling(episode, event.at, score, detectors, thresholds)) return undefined;
    noteTold(episode, event.at, score, detectors);
    const findings = this.#findings(event, notes);
    return assessmentOf(event, { loggedAt, score, thresholds, findings, episode, baseline: this.#header });
  }

  #findings(event: AuditEvent, notes: Notes): readonly Finding[] {
    return this.#slots
      .flatMap((slot, i): Finding[] => {
        const contribution = this.#judgement.contributionOf(i);
        if (contribution === 0) return [];
        // Many weak signs leave no note: then the event at hand speaks for them.
        const noted =
          notes.evidence.get(slot.detector.id) ?? describe(slot, event, 0, undefined, this.#options.onFailure);
        const scoreWithout = this.#judgement.without(i, (fused) => this.#worthOf(fused));
        const bits = this.#judgement.bitsOf(i);
        return [findingOf(slot.detector, event, noted, { bits, contribution, scoreWithout })];
      })
      .sort((a, b) => b.contribution - a.contribution);
  }

  #learn(event: AuditEvent, loggedAt: number, score: number): void {
    const { view } = this.#slab;
    view.weight = learningWeight(this.#suspicionOf(score), this.#options.thresholds.alert);
    // By the log's clock: an event may say of itself what it likes.
    if (view.weight < 1 && loggedAt < this.#own.answers.learnsWholeUntil) view.weight = 1;
    for (const i of this.#learners) {
      const slot = this.#slots[i] as Slot;
      if (!isConcerned(slot, this.#isUse)) continue;
      try {
        slot.learn.call(slot.detector, slot.fields, event, slot.config, this.#judgement.bitsOf(i));
      } catch (cause) {
        this.#options.onFailure(slot.detector.id, cause);
      }
    }
    view.weight = 1;
  }

  #snapshot(slot: number): Uint8Array {
    const notes = this.#notes.get(slot);
    return this.#write(slot, notes ? encodeNotes(notes) : '');
  }
}
