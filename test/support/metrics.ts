/** What a process's operations endpoint gives a metric now, by its labels as they stand there. */
export async function samplesOf(port: number, name: string): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const lines = text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm);
  return new Map(
    [...lines].filter(([, own]) => own === name).map(([, , labels = '', value]) => [labels, Number(value)]),
  );
}

/** The sum of a metric's samples that have these labels, among others. @throws where there is none */
export async function metricOf(
  port: number,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const samples = await samplesOf(port, name);
  const found = [...samples].filter(([own]) => wanted.every((label) => own.includes(label)));
  if (found.length === 0) throw new Error(`no sample of ${name} has ${wanted}: ${[...samples.keys()].join('; ')}`);
  return found.reduce((total, [, value]) => total + value, 0);
}
