/**
 * An error whose message is written in this repository, from ids and fixed words. Only such
 * messages are logged, stored with a job or a row, and displayed. A library's message may quote a
 * value, an address or a token.
 */
export class OwnError extends Error {}

/**
 * A problem that the operator can fix. The message states what is wrong and what to do. It is
 * printed alone, without a stack, and the process exits with code 1.
 */
export class OperatorError extends OwnError {
  override name = 'OperatorError';
}

/**
 * A server that a program requires does not answer, or ends connections; it may be available again
 * soon. A start waits for it (`server-wait.ts`). A problem that a person has to fix is a plain
 * OperatorError.
 */
export class ServerUnavailable extends OperatorError {
  override name = 'ServerUnavailable';

  /**
   * @param server name for a log: `Postgres at HOST:PORT`
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

/**
 * The environment is invalid. Lists all problems at once, by variable name, and never quotes a
 * value.
 */
export class ConfigError extends OperatorError {
  override name = 'ConfigError';

  constructor(readonly problems: string[]) {
    const count = problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`;
    super(
      `The configuration has ${count}:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
  }
}
