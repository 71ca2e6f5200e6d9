'use strict';
const { writeFileSync } = require('node:fs');
const path = require('node:path');
const { notRun } = require('./optional-programs.cjs');

const MAX_NAMED = 50;
const MAX_CHARACTERS = 300;

/**
 * Writes the counts and the names of failed tests for the launcher, which prints them as the last
 * lines. A file that could not run counts as a failure; a file that needs a program missing on this
 * machine is named as not run.
 */
module.exports = class CountReporter {
  constructor(globalConfig) {
    this.asked = globalConfig.nonFlagArgs ?? [];
  }

  onRunComplete(
    _contexts,
    { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, testResults },
  ) {
    writeFileSync(
      process.env.TEST_COUNT_FILE,
      JSON.stringify({
        passed: numPassedTests,
        failed: numFailedTests + numRuntimeErrorTestSuites,
        names: namesOfFailed(testResults),
      }),
    );
    for (const { file, missing } of notRun())
      if (this.asked.length === 0 || this.asked.some((part) => file.includes(part)))
        console.log(
          `not run: ${path.relative(process.cwd(), file)}: ${missing.join(', ')} missing`,
        );
  }
};

/** Returns a line for each failed test, and for each file that could not run. */
function namesOfFailed(files) {
  const names = files.flatMap(({ testFilePath, testExecError, testResults }) => {
    const file = path.relative(process.cwd(), testFilePath);
    const failed = testResults.filter(({ status }) => status === 'failed');
    return [
      ...(testExecError ? [`${file} could not run`] : []),
      ...failed.map(({ fullName }) => `${file} › ${fullName}`),
    ];
  });
  const more = names.length - MAX_NAMED;
  return [
    ...names.slice(0, MAX_NAMED).map((name) => name.replace(/\s+/g, ' ').slice(0, MAX_CHARACTERS)),
    ...(more > 0 ? [`and ${more} more`] : []),
  ];
}
