/** The value that a process's operations endpoint gives a metric now. @param labels it must have, among others */
export async function metricOf(
  port: number,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  const samples = lines.filter((line) => wanted.every((label) => line.includes(label)));
  if (samples.length === 0) throw new Error(`no sample of ${name} has ${wanted}:\n${lines.join('\n')}`);
  return samples.reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' '))), 0);
}
