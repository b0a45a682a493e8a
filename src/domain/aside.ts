import type { Notice } from './notice.ts';
import type { Verdict } from './verdict.ts';

/** What stands among a token's events and is none: it is applied once, at its place in their order. */
export type Aside = { readonly verdict: Verdict } | { readonly notice: Notice };

export function tokenOf(aside: Aside): string {
  return 'notice' in aside ? aside.notice.token : aside.verdict.token;
}

/** Whether it has to be kept of a token that nothing is known of yet: it holds from the first event on. */
export function precedesEvents(aside: Aside): boolean {
  return 'notice' in aside && aside.notice.stands;
}
