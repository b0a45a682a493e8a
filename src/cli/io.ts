import { InvalidArgumentError } from 'commander';

/** What a command is given of the world, so that tests can give it another. */
export interface CliIo {
  /** To standard output: results. */
  out(text: string): void;
  /** To standard error: progress and complaints. */
  err(text: string): void;
  /** Whether standard error is a terminal, where progress may be redrawn. */
  readonly isTerminal: boolean;
  /** Whether standard output is a terminal that wants colours. */
  readonly colours: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts when the user wants the command to end. */
  readonly interrupted: AbortSignal;
}

/** Something the user can mend: printed without a stack. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly exitCode: number;
  constructor(message: string, exitCode = 2) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Reads an option that is a whole number. @throws commander's error, which names the option */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= min && number <= max) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads an option that is a time such as 90m, 12h or 7d, as ms. @throws commander's error, which names the option */
export function duration(maxMs: number): (text: string) => number {
  return (text) => {
    const [, count = '', unit = ''] = /^(\d{1,9})([mhd])$/.exec(text) ?? [];
    const ms = Number(count) * (UNITS_MS[unit] ?? 0);
    if (ms > 0 && ms <= maxMs) return ms;
    throw new InvalidArgumentError(`It must be a time such as 90m, 12h or 7d, at most ${maxMs / 86_400_000}d.`);
  };
}

/** Prints rows under a heading, columns as wide as they need to be. */
export function table(io: CliIo, head: readonly string[], rows: readonly (readonly string[])[]): void {
  const all = [head, ...rows];
  // Not as arguments of one call: there may be more rows than a call takes.
  const widths = head.map((_, column) => all.reduce((width, row) => Math.max(width, (row[column] ?? '').length), 0));
  for (const row of all)
    io.out(
      `${row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd()}\n`,
    );
}

/** Progress of something that takes longer than a second, on standard error; only on a terminal. */
export interface Progress {
  /** @param text is asked for only when it is drawn, some times a second */
  update(text: () => string): void;
  end(): void;
}

const REDRAW_MS = 200;

const BAR_CELLS = 30;

/** `██████░░░░  60 %`. @param share 0 to 1 */
export function progressBar(share: number): string {
  const done = Math.floor(BAR_CELLS * Math.min(1, Math.max(0, share)));
  const percent = `${Math.floor(100 * share)}`.padStart(3);
  return `${'█'.repeat(done)}${'░'.repeat(BAR_CELLS - done)} ${percent} %`;
}

export function startProgress(io: CliIo): Progress {
  let drawnAt = 0;
  let drawn = false;
  return {
    update: (text) => {
      const now = performance.now();
      if (!io.isTerminal || now - drawnAt < REDRAW_MS) return;
      drawnAt = now;
      drawn = true;
      io.err(`\r\u001b[K${text()}`);
    },
    end: () => {
      if (drawn) io.err('\r\u001b[K');
    },
  };
}
