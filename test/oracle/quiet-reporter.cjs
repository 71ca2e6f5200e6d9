/** Prints only errors that are not results: the runs print their own lines. */
module.exports = class QuietReporter {
  onTestResult(_test, result) {
    const trouble = result.testExecError?.message ?? result.failureMessage;
    if (trouble && !trouble.includes('seeds failed')) process.stderr.write(`${trouble}\n`);
  }
};
