/**
 * Figures and their baselines. A baseline is the value that was last saved, on the machine that it
 * names; it is a comparison, not a bound.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

const FILE = new URL('baselines.json', import.meta.url);
const stored = JSON.parse(readFileSync(FILE, 'utf8'));
const measured = {};

export const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;

/**
 * Prints one figure. `name` is its key among the baselines; `goal` is the project's target, as a
 * text.
 */
export function figure(name, value, unit, goal) {
  measured[name] = Number(value.toPrecision(4));
  const baseline = stored.figures[name];
  const beside =
    baseline === undefined
      ? 'no baseline'
      : `baseline ${shown(baseline)}, ratio ${(value / baseline).toFixed(2)}`;
  console.log(
    `${name.padEnd(52)} ${shown(value).padStart(7)} ${unit.padEnd(22)} (${beside}${goal ? `; goal ${goal}` : ''})`,
  );
}

/** Saves the figures of this run as baselines; those of benchmarks that did not run stay. */
export function saveBaselines() {
  writeFileSync(
    FILE,
    `${JSON.stringify({ machine, figures: { ...stored.figures, ...measured } }, null, 2)}\n`,
  );
}

export function baselineMachine() {
  return stored.machine;
}

function shown(value) {
  return value >= 100 ? String(Math.round(value)) : value.toPrecision(3);
}
