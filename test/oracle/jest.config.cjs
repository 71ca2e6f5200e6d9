const path = require('node:path');
const base = require('../../jest.config.js');

const [[sources, [, swcOptions]]] = Object.entries(base.transform);

/**
 * The configuration of `npm run oracle`: many seeds, or seeds against a planted bug, outside of
 * `npm test`.
 */
module.exports = {
  ...base,
  rootDir: base.rootDir,
  testMatch: [path.join(__dirname, 'seeds.run.ts')],
  ...(process.env.ORACLE_PLANT
    ? {
        transform: {
          ...base.transform,
          [sources]: [path.join(__dirname, 'planting-transform.cjs'), swcOptions],
        },
      }
    : {}),
  maxWorkers: 1,
};
