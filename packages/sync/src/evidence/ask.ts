import { GoogleError } from '@syncline/google';

/** What Google answered for ids that a listing did not name. */
export interface Asked {
  /** Items that Google has and that should be in the mirror. */
  alive: number;
  /** Items that Google does not have, or that are not to be mirrored. */
  gone: number;
}

/** Concurrent calls. */
const AT_ONCE = 4;

/**
 * Asks Google for each id in a call of its own. An id without an answer counts as neither alive nor
 * gone, but at least half of the ids must be answered.
 * @throws GoogleError when fewer are answered, or when the account's quota or grant ends
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

/** A single item that Google has is enough to decide. */
export function answered(count: number, asked: Asked, errors: readonly GoogleError[]): Asked {
  if (asked.alive === 0) throwIfTooFew(count, asked.gone, errors);
  return asked;
}

/**
 * @throws GoogleError when fewer than half of the ids were answered, or no further answers can be
 * expected
 */
export function throwIfTooFew(
  count: number,
  answers: number,
  errors: readonly GoogleError[],
): void {
  const error = errors.find(endsAsking) ?? errors[0];
  if (error && (endsAsking(error) || answers * 2 < count)) throw error;
}

/**
 * Whether an error concerns the account (quota, keys, grant); every other error concerns one id.
 */
function endsAsking({ detail }: GoogleError): boolean {
  return ['rate-limited', 'key-missing', 'unauthorized'].includes(detail.kind);
}
