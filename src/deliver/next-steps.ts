import type { Alert, FleetAlert } from '../domain/alert.ts';
import { hasCertain } from '../domain/finding.ts';
import type { RevocationSummary } from './receiver.ts';

type State = RevocationSummary['state'];

/** Still able to do harm, as far as anybody knows. */
const UNDONE_AS_YET: ReadonlySet<State> = new Set([
  'none',
  'shadow',
  'held',
  'refused',
  'expired',
  'ineffective',
  'undone',
  'withdrawn',
]);

/** What the reader of a notification should do next, most urgent first. Contains no text of the event's. */
export function nextStepsFor(
  alert: Alert,
  revocation: RevocationSummary | null,
  fleet?: FleetAlert,
): readonly string[] {
  const first = FIRST_STEP[revocation?.state ?? 'none'](alert.id);
  if (fleet) return [...(first.startsWith(ACT_NOW) ? [first] : []), ...fleetSteps(alert.id)];
  const state = revocation?.state ?? 'none';
  const asleep = alert.severity === 'informational' || alert.severity === 'low';
  return [
    first,
    `Ask the owner whether this was them: a release, a migration, a new office, a job run by hand. What the token usually does beside it: tokenwarden alerts show ${alert.id}`,
    ...(asleep
      ? []
      : ['Read what was taken: the statements of this token since the alert opened, and the tables in the evidence.']),
    UNDONE_AS_YET.has(state)
      ? 'If it was not them: take the token out of use now, rotate it, and find out where it leaked.'
      : 'If it was not them: issue a new token, and find out where this one leaked before you do.',
    hasCertain(alert.worst.findings)
      ? 'If it was them: have them leave it alone, or take back what was declared (detection.detectors, leaked --withdraw, revoke --undo). Nothing gets used to this.'
      : `If it was them: say so, and it is learned at once: tokenwarden verdict ${alert.id} expected`,
  ];
}

const ACT_NOW = 'ACT NOW';

/** What many tokens share is one question, and one answer. */
function fleetSteps(alertId: string): readonly string[] {
  return [
    'Ask whether somebody changed something for all of them: a release, a migration, another office, another driver.',
    `If so: say so once, and it is learned for each of them: tokenwarden verdict ${alertId} expected --members`,
    `If nobody did: they are stolen together. Take them out of use now: tokenwarden revoke ${alertId} --members`,
    `Which they are: tokenwarden alerts list --part-of ${alertId}`,
  ];
}

const FIRST_STEP: Readonly<Record<State, (alertId: string) => string>> = {
  none: (id) => `Nothing has been done about the token. To take it out of use: tokenwarden revoke ${id}`,
  shadow: (id) =>
    `Observe mode: nothing has been done about the token. To take it out of use: tokenwarden revoke ${id}`,
  held: (id) => `A revocation waits for you: approve it with tokenwarden revoke ${id}, or leave the token alone.`,
  approved: () => 'The token is being revoked: look again in a minute whether that is verified.',
  accepted: () => 'The issuer has accepted the revocation: look again in a minute whether it is verified.',
  verified: (id) => `The token is out of use. If that was a mistake: tokenwarden revoke ${id} --undo`,
  ineffective: () =>
    `${ACT_NOW}: the issuer accepted the revocation and the token is still in use. Block it by other means: network, gateway, database.`,
  refused: () => `${ACT_NOW}: the revocation was refused. Take the token out of use by hand.`,
  expired: () => `${ACT_NOW}: the revocation never went through. Take the token out of use by hand.`,
  withdrawn: () =>
    'Nothing is done about the token any more. Look whether the issuer took an attempt that was on its way, if there was one.',
  undone: () => 'The revocation was undone: the token works again. Make sure that this is meant.',
};
