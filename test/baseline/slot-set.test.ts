import { describe, expect, it } from 'vitest';
import { SlotSet } from '../../src/baseline/slot-set.ts';
import { createRandom } from '../../src/domain/random.ts';

describe('a set of slots', () => {
  it('does as a Set does, and gives slots in their order', () => {
    const random = createRandom('slots');
    for (let round = 0; round < 50; round++) {
      const [slots, known] = [new SlotSet(), new Set<number>()];
      const below = 2 ** (1 + random.below(16));
      for (let step = 0; step < 300; step++) {
        const slot = random.below(below);
        if (random.next() < 0.7) {
          slots.add(slot);
          known.add(slot);
        } else {
          slots.delete(slot);
          known.delete(slot);
        }
        expect(slots.size).toBe(known.size);
      }
      expect([...slots.take()]).toEqual([...known].sort((a, b) => a - b));
      expect(slots.size).toBe(0);
      expect([...slots.take()]).toEqual([]);
    }
  });

  it('knows the last bit of a word', () => {
    const slots = new SlotSet();
    for (const slot of [31, 32, 63, 31]) slots.add(slot);
    expect([...slots.take()]).toEqual([31, 32, 63]);
  });
});
