/**
 * Something that the operator can mend. The message says what is wrong and what to do about it; it is printed alone,
 * without a stack, and the process exits 1.
 */
export class OperatorError extends Error {
  override name = 'OperatorError';
}

/** The environment cannot be used. Lists every problem at once, by variable name, and never quotes a value. */
export class ConfigError extends OperatorError {
  override name = 'ConfigError';

  constructor(readonly problems: string[]) {
    const count = problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`;
    super(
      `The configuration has ${count}:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
  }
}
