import type { AuditEvent } from '../domain/audit-event.ts';
import type { Dimension, Evidence } from '../domain/finding.ts';

/**
 * What must be spelled out about a token under suspicion, beside its fixed record: what each detector has found and the open
 * episode. Few tokens are suspected at a time, so this may be made of objects; it travels in snapshots with the record.
 */
export interface Notes {
  /** By detector id. */
  readonly evidence: Map<string, NotedEvidence>;
  episode: Episode | null;
}

export interface NotedEvidence {
  readonly bits: number;
  readonly evidence: readonly Evidence[];
  readonly explanation: string;
  /** Of the strongest event; that of the detector if it is not said. */
  readonly dimension?: Dimension;
}

/** From the first event over the threshold until the token has been below it for a while: one alert. */
export interface Episode {
  /** Id of the event that opened it. */
  readonly id: string;
  readonly openedAt: number;
  lastAboveAt: number;
  /** Uses: refused logins are none. */
  eventCount: number;
  rowCount: number;
  byteCount: number;
  /** What was last told, to tell again only when there is something to tell. */
  told: Told | null;
}

export interface Told {
  readonly at: number;
  readonly score: number;
  readonly detectors: readonly string[];
  readonly eventCount: number;
  readonly rowCount: number;
}

/** An episode that begins with this event. */
export function openEpisode(event: AuditEvent): Episode {
  return {
    id: event.id,
    openedAt: event.at,
    lastAboveAt: event.at,
    eventCount: 0,
    rowCount: 0,
    byteCount: 0,
    told: null,
  };
}

/** The notes of one partition's tokens, by the slots of their records. Past its limit the oldest notes without an open episode go, then the oldest. */
export class NoteBook {
  readonly #notes = new Map<number, Notes>();
  readonly #tokensMax: number;

  constructor(tokensMax: number) {
    this.#tokensMax = tokensMax;
  }

  get(slot: number): Notes | undefined {
    return this.#notes.get(slot);
  }

  open(slot: number): Notes {
    const known = this.#notes.get(slot);
    if (known) return known;
    if (this.#notes.size >= this.#tokensMax) this.#drop();
    const notes: Notes = { evidence: new Map(), episode: null };
    this.#notes.set(slot, notes);
    return notes;
  }

  delete(slot: number): void {
    this.#notes.delete(slot);
  }

  /** Takes back what `encodeNotes` made; an empty text: there are none. */
  restore(slot: number, text: string): void {
    if (text === '') this.#notes.delete(slot);
    else this.#notes.set(slot, decodeNotes(text));
  }

  #drop(): void {
    let candidate: number | undefined;
    let seen = 0;
    for (const [slot, notes] of this.#notes) {
      candidate ??= slot;
      if (notes.episode === null) {
        candidate = slot;
        break;
      }
      if (++seen >= 100) break;
    }
    if (candidate !== undefined) this.#notes.delete(candidate);
  }
}

export function encodeNotes(notes: Notes): string {
  return JSON.stringify({ evidence: [...notes.evidence], episode: notes.episode });
}

/** Reads what `encodeNotes` wrote. Only for bytes of our own baselines log. */
function decodeNotes(text: string): Notes {
  const { evidence, episode } = JSON.parse(text) as { evidence: [string, NotedEvidence][]; episode: Episode | null };
  return { evidence: new Map(evidence), episode };
}
