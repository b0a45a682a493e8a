/** The steps between which a process can die, as the stages take them. */
export const STEPS = [
  'collect: append events',
  'collect: append dead letters',
  'collect: commit position',
  'detect: restore',
  'detect: append findings',
  'detect: append baselines',
  'detect: commit',
  'respond: restore',
  'respond: begin term',
  'respond: append decision',
  'respond: attempt',
  'respond: append outcome',
  'respond: commit',
  'archive: announce',
  'archive: insert',
  'archive: commit',
] as const;

export type Step = (typeof STEPS)[number];

/** `during`: asked for, not answered yet. */
export type Moment = 'before' | 'during' | 'after';

/** Where a process sends itself a signal. */
export interface Trap {
  readonly step: Step;
  readonly moment: Moment;
  /** At so manieth time that it comes to the step, from 1. */
  readonly turn: number;
  readonly signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP';
}

/** The variable by which a process is told of its trap, as JSON. */
export const TRAP_VARIABLE = 'TOKENWARDEN_TEST_TRAP';

/** The variable that names the file from which a process takes another trap whenever it gets SIGUSR2. */
export const TRAP_FILE_VARIABLE = 'TOKENWARDEN_TEST_TRAP_FILE';

/** What a process writes to standard error when it falls into its trap. */
export const TRAPPED = 'TRAPPED';
