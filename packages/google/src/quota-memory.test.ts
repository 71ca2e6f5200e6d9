import fc from 'fast-check';
import { openSpendMemory } from './quota-memory.js';
import { KEEP_MS, SLOT_MS } from './quota-scripts.js';

/* The heartbeat reports running sums every second; they equal the sum over all charges. */

const api = fc.constantFrom('gmail' as const, 'calendar' as const);
const step = fc.oneof(
  fc.record({
    kind: fc.constant('spend' as const),
    api,
    user: fc.constantFrom('a', 'b'),
    units: fc.integer({ min: 1, max: 50 }),
    forwardMs: fc.integer({ min: 0, max: KEEP_MS }),
  }),
  fc.record({
    kind: fc.constant('move' as const),
    which: fc.nat(),
    forwardMs: fc.integer({ min: 0, max: 5_000 }),
  }),
);

test("a project's sum is that of its charges, after any charges, moves and expiries", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const memory = openSpendMemory();
      const receipts: { api: 'gmail' | 'calendar'; user: string; slot: number; units: number }[] =
        [];
      let nowMs = 10 * KEEP_MS;
      for (const taken of steps) {
        nowMs += taken.forwardMs;
        const slot = Math.floor(nowMs / SLOT_MS) * SLOT_MS;
        if (taken.kind === 'spend') {
          const receipt = { api: taken.api, user: taken.user, slot, units: taken.units };
          memory.spent({ ...receipt, atMs: nowMs }, 'today');
          receipts.push(receipt);
        } else if (receipts.length > 0) {
          const [receipt] = receipts.splice(taken.which % receipts.length, 1);
          if (receipt) memory.moved({ ...receipt, slot, atMs: nowMs }, receipt.slot);
        }
        for (const one of ['gmail', 'calendar'] as const) {
          expect(memory.projectSum(one, nowMs)).toBe(
            memory.sums(nowMs).get(memory.keyOf({ api: one, user: null })) ?? 0,
          );
        }
      }
    }),
  );
});
