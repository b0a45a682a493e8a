import type { FleetAlert } from '../domain/alert.ts';
import { countText } from '../domain/words.ts';
import { quoted, safeText } from './safe-text.ts';
import { timeText } from './words.ts';

/** Tokens that a sentence names; the others are counted. */
const NAMED_MAX = 5;

/** An alert that leads others, in sentences: what they share, what that means, who they are, and what was done before it was known. */
export function fleetSentences({ cause, tokenCount, tokens, since, revoked }: FleetAlert): readonly string[] {
  const shared = `${quoted(cause.what, 60)}: ${quoted(cause.name, 80)}`;
  const named = tokens.slice(0, NAMED_MAX).map((token) => quoted(token, 40));
  const more = tokenCount - named.length;
  return [
    `${countText(tokenCount, 'token')} since ${timeText(since)} have the same that is new (${shared}): more like a release or a move than a theft.`,
    'If nobody knows of a change, these tokens are stolen together: revoke them.',
    `They are not told one by one, and for this none is revoked without a person: ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}.`,
    ...revoked
      .slice(0, NAMED_MAX)
      .map(
        ({ token, alertId }) =>
          `Token ${quoted(token, 40)} was revoked all the same: tokenwarden revoke ${safeText(alertId, 40)} --undo`,
      ),
    ...(revoked.length > NAMED_MAX ? [`So were ${revoked.length - NAMED_MAX} more.`] : []),
  ];
}

/** The same for one that is led. @param leaderId the alert that tells of it */
export function partSentence(leaderId: string): string {
  return `Many tokens have the same that is new: alert ${leaderId} tells of them all.`;
}
