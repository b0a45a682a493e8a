import { safeText } from '../deliver/safe-text.ts';
import { type NearUse, RESPECTS } from '../domain/nearest-use.ts';
import type { Use } from '../domain/usual-use.ts';
import { countText, numberText, observedText } from '../domain/words.ts';
import { type CliIo, table } from './io.ts';
import type { Nearest, NearestFound } from './nearest.ts';

/** Prints them below one another, as a table. */
export function printNearest(io: CliIo, nearest: Nearest): void {
  if ('missing' in nearest) {
    io.out(`What the token usually does is not shown: ${safeText(nearest.missing, 700)}\n`);
    return;
  }
  io.out(`${headingOf(nearest)}\n`);
  const { event, uses } = nearest;
  table(
    io,
    ['SEEN', 'WHAT', 'ROWS', 'DATABASE', 'FROM', 'BY', 'LAST AT (UTC)', 'DIFFERS IN'],
    [
      ['in this alert', ...cellsOf(event, rowsText(event.rows, event.rows), [event.address], event.at), ''],
      ...uses.map((use) => [
        use.eventCount === 1 ? 'once' : countText(use.eventCount, 'time'),
        ...cellsOf(use, rowsText(use.rows?.least ?? null, use.rows?.most ?? null), use.networks, use.lastAt),
        differencesText(use),
      ]),
    ],
  );
  if (uses[0] && uses[0].distance < NEARLY_USUAL)
    io.out('By itself that is nearly usual: what speaks against the token is told above.\n');
}

/** Not unlike in one respect altogether. */
const NEARLY_USUAL = 1;
const PLACES = { clickhouse: 'the archive', log: 'the events log' };

function headingOf({ from, eventCount, since, alertsLeftOut }: NearestFound): string {
  if (since === null)
    return `Nothing of what the token did until six hours before the alert is in ${PLACES[from]}. What raised it:`;
  const without = alertsLeftOut === 0 ? '' : `, without ${countText(alertsLeftOut, 'other alert')}`;
  const events = `${countText(eventCount, 'event')} in ${PLACES[from]} since ${dateText(since).slice(4, 14)}${without}`;
  return `Of what the token did until six hours before the alert (${events}), this comes nearest:`;
}

function cellsOf(
  { operation, tables, success, database, application }: Omit<Use, 'at' | 'rows' | 'network' | 'asn'>,
  rows: string,
  from: readonly (string | null)[],
  at: number,
): readonly string[] {
  const what = `${success === false ? 'failed ' : ''}${operation ?? ''} ${namesText(tables, 3)}`.trim();
  return [what || '–', rows, namesText([database], 1), namesText(from, 2), namesText([application], 1), dateText(at)];
}

function namesText(names: readonly (string | null)[], shownMax: number): string {
  return observedText(
    names.map((name) => (name === null ? '–' : safeText(name, 60))),
    shownMax,
  );
}

function rowsText(least: number | null, most: number | null): string {
  if (least === null || most === null) return '–';
  return least === most ? numberText(least) : `${numberText(least)} to ${numberText(most)}`;
}

/** `Sun 2026-09-20 03:02`. */
function dateText(at: number): string {
  const date = new Date(at);
  return `${date.toUTCString().slice(0, 3)} ${date.toISOString().slice(0, 16).replace('T', ' ')}`;
}

/** What differs by less is not worth a word: five times the rows, three hours. */
const WORTH_A_WORD = 0.25;

function differencesText({ differences }: NearUse): string {
  const named = RESPECTS.filter((respect) => differences[respect] >= WORTH_A_WORD);
  return named.toSorted((a, b) => differences[b] - differences[a]).join(', ') || 'hardly anything';
}
