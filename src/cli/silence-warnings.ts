/** Warnings about our own choices that no user can do anything about: `node:sqlite` is still called experimental. */
const SILENCED = [{ name: 'ExperimentalWarning', text: 'SQLite' }] as const;

/** Keeps those warnings, and only those, from standard error. */
export function silenceWarnings(): void {
  const emit = process.emitWarning.bind(process) as (...args: unknown[]) => void;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]): void => {
    const text = typeof warning === 'string' ? warning : warning.message;
    const name = typeof rest[0] === 'string' ? rest[0] : typeof warning === 'string' ? '' : warning.name;
    if (SILENCED.some((silenced) => silenced.name === name && text.includes(silenced.text))) return;
    emit(warning, ...rest);
  };
}
