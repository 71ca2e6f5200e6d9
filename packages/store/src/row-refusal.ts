import { OwnError } from '@syncline/runtime';

/*
 * What Postgres refuses for a row's own sake: a value that no column holds, a constraint or an
 * index of the operator's, a limit of the server. The codes are those of "PostgreSQL Error Codes"
 * (appendix A of its manual).
 */

interface DatabaseError extends Error {
  code: string;
  table?: string;
  column?: string;
  constraint?: string;
}

/** Classes of SQLSTATE: cardinality (a row named twice), data, integrity constraints. */
const OF_A_ROW = /^2[123]/;
/**
 * `program_limit_exceeded` (an index entry, a tsvector, a jsonb string that is too long) and
 * `statement_too_complex` (a document that is nested too deeply).
 */
const LIMITS = new Set(['54000', '54001']);
/** A missing parent: the account was just removed. The page is run again, or its lease is lost. */
const FOREIGN_KEY = '23503';

/**
 * Whether Postgres may have refused one row of several, so that the others can be stored without
 * it. 23505 is among them: under the fence no removal is under way, so a page that meets it twice
 * has a row that an operator's unique index refuses.
 */
export function isRowRefusal(error: unknown): error is DatabaseError {
  const code = (error as { code?: unknown } | null)?.code;
  return (
    typeof code === 'string' && code !== FOREIGN_KEY && (OF_A_ROW.test(code) || LIMITS.has(code))
  );
}

/**
 * Not Postgres' own message, which quotes the value. Names of tables, columns and constraints are
 * no personal data.
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
    '22021': 'a text contains a character that the database cannot hold',
    '22P02': 'a value cannot be read as its column has it',
    '22P05': 'a text contains a character that the database cannot hold',
    '23502': 'a value is missing',
    '23505': 'another row has the same key',
    '23514': 'a check says no',
    '23P01': 'an exclusion constraint says no',
    '54000': 'it exceeds a limit of Postgres, such as the size of an index entry',
    '54001': 'it is nested too deeply',
  }),
);

function meaningOf(code: string): string {
  const known = MEANINGS.get(code);
  if (known !== undefined) return known;
  return code.startsWith('23') ? 'a constraint says no' : 'a value is not as its column has it';
}

/**
 * Too many rows were refused, which is a fault of this program or of constraints that were added to
 * the tables. Nothing of the page was stored.
 */
export class PageRefused extends OwnError {
  override readonly name = 'PageRefused';
  constructor(refused: number, rows: number, reasons: readonly string[]) {
    super(
      `at least ${refused} of ${rows} rows of a page were refused, so nothing of it was stored: ${[...new Set(reasons)].slice(0, 3).join('; ')}. ` +
        'Either Syncline has a fault, or a constraint, an index or a trigger was added to its tables.',
    );
  }
}

/** Rows that one page may lose at most. */
const REFUSED_LIMIT = 20;
const REFUSED_SHARE = 0.1;

/**
 * How many of so many rows may be refused: a tenth, 20 at most. One always may: of a page with less
 * than ten rows a share says nothing, and an ordinary incremental page has a row or two.
 */
export function refusalsAllowed(rows: number): number {
  return Math.min(REFUSED_LIMIT, Math.max(1, Math.floor(rows * REFUSED_SHARE)));
}
