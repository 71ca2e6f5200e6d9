/**
 * An error whose message is written in this repository, of ids and fixed words. Only such messages are logged, stored with a job or a row, and shown:
 * what a library says may quote a value, an address or a token.
 */
export class OwnError extends Error {}

/**
 * Something that the operator can mend. The message says what is wrong and what to do about it; it is printed alone,
 * without a stack, and the process exits 1.
 */
export class OperatorError extends OwnError {
  override name = 'OperatorError';
}

/**
 * A server that a program needs does not answer, or ends connections: it may serve in a moment. A
 * start waits for it (`server-wait.ts`). What a person has to change is a plain OperatorError.
 */
export class ServerUnavailable extends OperatorError {
  override name = 'ServerUnavailable';

  /**
   * @param server fit for a log: `Postgres at HOST:PORT`
   * @param reason a code or a few words
   */
  constructor(
    message: string,
    readonly server: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
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
