import pg from 'pg';

/** A statement as a session sends it. */
export interface SentStatement {
  /** Empty unless it is prepared. */
  name: string;
  text: string;
  values: unknown[];
}

/**
 * Passes on every statement that sessions of this process send, until `jest.restoreAllMocks`. Must
 * be called before the sessions are opened, because a session copies the driver's method.
 */
export function onSentStatement(note: (statement: SentStatement) => void): void {
  const { query } = pg.Client.prototype;
  jest.spyOn(pg.Client.prototype, 'query').mockImplementation(function (
    this: pg.Client,
    ...given: unknown[]
  ) {
    const [first, second] = given as [string | Partial<SentStatement>, unknown];
    const config = typeof first === 'string' ? { text: first } : first;
    const { name = '', text = '', values = second } = config;
    note({ name, text, values: Array.isArray(values) ? values : [] });
    return Reflect.apply(query, this, given) as ReturnType<typeof query>;
  });
}
