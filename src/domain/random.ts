/** A seeded source of randomness: the same seed gives the same fleet, day and theft. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer in [0, count). */
  below(count: number): number;
  /** Log-normal with the given median; `spread` is the standard deviation of the natural logarithm. */
  logNormal(median: number, spread: number): number;
  /** Poisson-distributed count. */
  poisson(mean: number): number;
  pick<T>(items: readonly T[]): T;
  /** Like `pick`, preferring the front of the list (Zipf with exponent 1). */
  pickZipf<T>(items: readonly T[]): T;
}

/** sfc32 (Doty-Humphrey, PractRand), seeded from a text. */
export function createRandom(seed: string): Random {
  let a = 0x9e3779b9;
  let b = 0x243f6a88;
  let c = 0xb7e15162;
  let counter = 1;
  for (let i = 0; i < seed.length; i++) {
    a = Math.imul(a ^ seed.charCodeAt(i), 0x85ebca6b);
    b = (b + Math.imul(a, 0xc2b2ae35)) | 0;
  }
  const nextBits = () => {
    const result = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + result;
    return result >>> 0;
  };
  for (let i = 0; i < 15; i++) nextBits();
  const next = () => nextBits() / 2 ** 32;
  return {
    next,
    below: (count) => Math.floor(next() * count),
    logNormal: (median, spread) => median * Math.exp(spread * gaussian(next)),
    poisson: (mean) => poisson(mean, next),
    pick: (items) => items[Math.floor(next() * items.length)] as (typeof items)[number],
    pickZipf: (items) => items[Math.floor((items.length + 1) ** next()) - 1] as (typeof items)[number],
  };
}

/** Box and Muller 1958. */
function gaussian(next: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

/** Knuth's method for small means, a rounded Gaussian for large ones. */
function poisson(mean: number, next: () => number): number {
  if (mean > 50) return Math.max(0, Math.round(mean + Math.sqrt(mean) * gaussian(next)));
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = next(); product > limit; product *= next()) count += 1;
  return count;
}
