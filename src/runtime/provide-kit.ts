import { registerHooks } from 'node:module';

/** What a detector outside of this package may import by name. `zod` has to be ours: its schemas are checked by `instanceof`. */
const PROVIDED: ReadonlyMap<string, string> = new Map([
  ['tokenwarden/detector', new URL(`../detect/kit.${import.meta.url.split('.').at(-1)}`, import.meta.url).href],
  ['zod', import.meta.resolve('zod')],
]);

let provided = false;

/** Lets a detector file in any folder import `tokenwarden/detector` and `zod` without a `node_modules` of its own. */
export function provideKit(): void {
  if (provided) return;
  provided = true;
  registerHooks({
    resolve: (specifier, context, next) => next(PROVIDED.get(specifier) ?? specifier, context),
  });
}
