import { spawnSync } from 'node:child_process';
import path from 'node:path';

/** Loads the module in a process of its own, since it is plain Node, like every benchmark. */
function medianRatio(ratios: number[]): { median: number; low: number; high: number } {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { medianRatio } from './ratios.mjs'; console.log(JSON.stringify(medianRatio(${JSON.stringify(ratios)})));`,
    ],
    { cwd: path.resolve(__dirname), encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as { median: number; low: number; high: number };
}

test('gives the median and the interval of the signed-rank test, whose third average from either end bounds seven pairs', () => {
  const ratio = medianRatio([1, 2, 4, 8, 16, 32, 64]);
  expect(ratio.median).toBeCloseTo(8);
  // The averages of two logarithms, in order: 0, 0.5, 1, 1, …; the third is 1, of base 2.
  expect(ratio.low).toBeCloseTo(2);
  expect(ratio.high).toBeCloseTo(32);
});

test('below six pairs the interval is everything that was measured', () => {
  const ratio = medianRatio([1.1, 0.9, 1.2]);
  expect([ratio.low, ratio.high].map((value) => value.toFixed(6))).toEqual([
    '0.900000',
    '1.200000',
  ]);
  expect(ratio.median).toBeCloseTo(1.1);
});

test('refuses what is no ratio', () => {
  expect(() => medianRatio([])).toThrow('there is at least one');
  expect(() => medianRatio([1, 0])).toThrow('ratios are positive numbers');
});
