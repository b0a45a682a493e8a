import type { Clock } from '../domain/clock.ts';
import type { Reader } from '../pipeline/readers.ts';

/** Something that a log is asked, which may be away. */
export interface Question {
  /** Named when there is no answer. */
  readonly what: string;
  readonly ask: () => Promise<readonly Reader[]>;
}

export interface Answers {
  readonly readers: readonly Reader[];
  /** Questions without an answer, each with its reason. */
  readonly problems: readonly string[];
}

/** Within what a probe waits for. */
const ANSWER_MS_MAX = 3000;

/** Asks logs, each once at a time, however many want to know and however long one takes. */
export function askLogs(clock: Clock, questions: readonly Question[]): () => Promise<Answers> {
  const askers = questions.map((question) => createAsker(clock, question));
  return async () => {
    const answers = await Promise.all(askers.map((ask) => ask()));
    return {
      readers: answers.flatMap(({ readers }) => readers),
      problems: answers.flatMap(({ problems }) => problems),
    };
  };
}

function createAsker(clock: Clock, { what, ask }: Question): () => Promise<Answers> {
  const failed = (why: string): Answers => ({ readers: [], problems: [`${what} cannot be read: ${why}`] });
  let asked: Promise<Answers> | undefined;
  return async () => {
    asked ??= ask()
      .then(
        (readers): Answers => ({ readers, problems: [] }),
        (cause: unknown) => failed(cause instanceof Error ? cause.message : String(cause)),
      )
      .finally(() => {
        asked = undefined;
      });
    const answered = new AbortController();
    const late = clock.sleep(ANSWER_MS_MAX, answered.signal).then(() => failed('it takes too long to answer'));
    try {
      return await Promise.race([asked, late]);
    } finally {
      answered.abort();
    }
  };
}
