const { default: TestSequencer } = require('@jest/test-sequencer');

/**
 * The oracle takes minutes, and scenarios wait for processes most of their time, some for two
 * minutes. One that began last would run alone at the end, so the oracle runs first, and then the
 * scenarios. Within each group jest's own order applies: the longest first, by their last run or by
 * their size.
 */
module.exports = class ScenariosFirst extends TestSequencer {
  sort(tests) {
    return super.sort(tests).sort((a, b) => rankOf(a) - rankOf(b));
  }
};

function rankOf({ path }) {
  if (path.includes('/test/oracle/')) return 0;
  return path.includes('/test/scenarios/') ? 1 : 2;
}
