/** A table that a token made: what the tokens of other partitions are to know of an event. */
export interface MadeTable {
  readonly table: string;
  /** Who made it. */
  readonly token: string;
  /** Event time, ms since the epoch. */
  readonly at: number;
}
