'use strict';
const { writeFileSync } = require('node:fs');
const path = require('node:path');
const { notRun } = require('./optional-programs.cjs');

/**
 * Writes the counts for the launcher, which prints them as the last line. A file that could not run
 * counts as a failure; a file that needs a program missing on this machine is named as not run.
 */
module.exports = class CountReporter {
  constructor(globalConfig) {
    this.asked = globalConfig.nonFlagArgs ?? [];
  }

  onRunComplete(_contexts, { numPassedTests, numFailedTests, numRuntimeErrorTestSuites }) {
    writeFileSync(
      process.env.TEST_COUNT_FILE,
      JSON.stringify({
        passed: numPassedTests,
        failed: numFailedTests + numRuntimeErrorTestSuites,
      }),
    );
    for (const { file, missing } of notRun())
      if (this.asked.length === 0 || this.asked.some((part) => file.includes(part)))
        console.log(
          `not run: ${path.relative(process.cwd(), file)}: ${missing.join(', ')} missing`,
        );
  }
};
