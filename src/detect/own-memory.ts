import { type ActiveDaysWrite, activeDays } from '../baseline/active-days.ts';
import { type ClosedDay, closedDay } from './closed-day.ts';
import { type TokenHeader, tokenHeader } from './header.ts';
import { type OpenSums, openSums } from './open-sums.ts';
import { type RolledBack, rolledBack } from './rollback.ts';
import { type Answers, answers } from './verdict.ts';

/** What the engine itself remembers of a token, whatever the detectors: of the record that the slab points at. */
export interface OwnMemory {
  readonly header: TokenHeader;
  readonly openSums: OpenSums;
  readonly closedDay: ClosedDay;
  readonly activeDays: ActiveDaysWrite;
  readonly answers: Answers;
  readonly rolledBack: RolledBack;
}

/** Its fields: the header is what every record begins with. */
export function ownMemory() {
  return {
    header: tokenHeader(),
    openSums: openSums(),
    closedDay: closedDay(),
    activeDays: activeDays(),
    answers: answers(),
    rolledBack: rolledBack(),
  };
}
