import { GoogleError } from '@syncline/google';

/** What Google answered for ids that a listing did not name. */
export interface Asked {
  /** Google has them, and the mirror should. */
  alive: number;
  /** Google does not have them, or they are not to be mirrored. */
  gone: number;
}

/** Calls at a time. */
const AT_ONCE = 4;

/**
 * Asks for each of these by its own call. An id that Google gives no answer for says nothing, but
 * at least half of them must be answered.
 * @throws GoogleError when they are not, or when the account's quota or grant ends
 */
export async function askEach(
  ids: readonly string[],
  isAlive: (id: string) => Promise<boolean>,
): Promise<Asked> {
  const asked: Asked = { alive: 0, gone: 0 };
  const errors: GoogleError[] = [];
  for (let from = 0; from < ids.length; from += AT_ONCE) {
    const some = await Promise.all(
      ids.slice(from, from + AT_ONCE).map((id) =>
        isAlive(id).catch((error: unknown) => {
          if (!(error instanceof GoogleError)) throw error;
          return error;
        }),
      ),
    );
    for (const answer of some)
      if (answer instanceof GoogleError) errors.push(answer);
      else asked[answer ? 'alive' : 'gone'] += 1;
    if (errors.some(endsAsking)) break;
  }
  return answered(ids.length, asked, errors);
}

/** One item that Google has is enough to decide. */
export function answered(count: number, asked: Asked, errors: readonly GoogleError[]): Asked {
  if (asked.alive === 0) throwIfTooFew(count, asked.gone, errors);
  return asked;
}

/** @throws GoogleError when less than half of them was answered, or nothing more will be */
export function throwIfTooFew(
  count: number,
  answers: number,
  errors: readonly GoogleError[],
): void {
  const error = errors.find(endsAsking) ?? errors[0];
  if (error && (endsAsking(error) || answers * 2 < count)) throw error;
}

/** Quota, keys and grants are the account's; every other error is about one id. */
function endsAsking({ detail }: GoogleError): boolean {
  return ['rate-limited', 'key-missing', 'unauthorized'].includes(detail.kind);
}
