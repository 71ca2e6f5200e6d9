const { default: TestSequencer } = require('@jest/test-sequencer');

/**
 * Scenarios wait for processes most of their time, and some take two minutes; one that began last
 * would run alone at the end, so they run first. Within both groups jest's own order applies: the
 * longest first, by their last run or by their size.
 */
module.exports = class ScenariosFirst extends TestSequencer {
  sort(tests) {
    const isScenario = ({ path }) => path.includes('/test/scenarios/');
    const sorted = super.sort(tests);
    return [...sorted.filter(isScenario), ...sorted.filter((test) => !isScenario(test))];
  }
};
