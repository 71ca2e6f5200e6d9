import { OwnError } from '@syncline/runtime';

/*
 * Errors with which Postgres refuses a row because of its values: a value that does not fit into a
 * column, an operator's constraint or index, a limit of the server. The codes are those of
 * "PostgreSQL Error Codes" (appendix A of its manual).
 */

interface DatabaseError extends Error {
  code: string;
  table?: string;
  column?: string;
  constraint?: string;
}

/** Classes of SQLSTATE: cardinality (a row that occurs twice), data, integrity constraints. */
const OF_A_ROW = /^2[123]/;
/**
 * `program_limit_exceeded` (an index entry, a tsvector or a jsonb string is too long) and
 * `statement_too_complex` (a document is nested too deeply).
 */
const LIMITS = new Set(['54000', '54001']);
/**
 * A missing parent row: the account was just removed. The page is run again, or its lease is lost.
 */
const FOREIGN_KEY = '23503';

/**
 * Whether Postgres may have refused one row of several, so that the others can be stored without
 * it. 23505 is included: under the fence no concurrent removal is possible, so a page that gets it
 * twice has a row that an operator's unique index refuses.
 */
export function isRowRefusal(error: unknown): error is DatabaseError {
  const code = (error as { code?: unknown } | null)?.code;
  return (
    typeof code === 'string' && code !== FOREIGN_KEY && (OF_A_ROW.test(code) || LIMITS.has(code))
  );
}

/**
 * Returns a reason without Postgres' own message, which quotes the value. Names of tables, columns
 * and constraints are not personal data.
 */
export function refusalReason(error: DatabaseError, table: string): string {
  const at = error.column === undefined ? table : `${table}.${error.column}`;
  const by = error.constraint === undefined ? '' : `, constraint ${error.constraint}`;
  return `Postgres refuses it (SQLSTATE ${error.code}: ${meaningOf(error.code)}; ${at}${by})`;
}

const MEANINGS: ReadonlyMap<string, string> = new Map(
  Object.entries<string>({
    '21000': 'two of its parts have the same key',
    '22001': 'a text is too long for its column',
    '22003': 'a number is out of range',
    '22007': 'a date cannot be read',
    '22008': 'a date is out of range',
    '22021': 'a text contains a character that the database cannot store',
    '22P02': 'a value has the wrong format for its column',
    '22P05': 'a text contains a character that the database cannot store',
    '23502': 'a value is missing',
    '23505': 'another row has the same key',
    '23514': 'a check constraint is violated',
    '23P01': 'an exclusion constraint is violated',
    '54000': 'it exceeds a limit of Postgres, such as the size of an index entry',
    '54001': 'it is nested too deeply',
  }),
);

function meaningOf(code: string): string {
  const known = MEANINGS.get(code);
  if (known !== undefined) return known;
  return code.startsWith('23') ? 'a constraint is violated' : 'a value is not valid for its column';
}

/**
 * Too many rows were refused, because of a bug in this program or of constraints that were added to
 * the tables. Nothing of the page was stored.
 */
export class PageRefused extends OwnError {
  override readonly name = 'PageRefused';
  constructor(refused: number, rows: number, reasons: readonly string[]) {
    super(
      `at least ${refused} of ${rows} rows of a page were refused, so nothing of it was stored: ${[...new Set(reasons)].slice(0, 3).join('; ')}. ` +
        'Either Syncline has a bug, or a constraint, an index or a trigger was added to its tables.',
    );
  }
}

/** Maximum number of refused rows in one page. */
const REFUSED_LIMIT = 20;
const REFUSED_SHARE = 0.1;

/**
 * Returns the maximum number of refused rows: a tenth of `rows`, at most 20, and at least one. An
 * ordinary incremental page has one or two rows, and in a page with fewer than ten rows a share has
 * no meaning.
 */
export function refusalsAllowed(rows: number): number {
  return Math.min(REFUSED_LIMIT, Math.max(1, Math.floor(rows * REFUSED_SHARE)));
}
