import type pg from 'pg';
import { arrayLiteral } from '../../pool.js';
import { byIndex } from '../../transaction.js';

/** Number of messages from which the smallest is selected. */
const KNOWN_LIMIT = 50;

/**
 * Returns a small message that the mirror has and that was read at its last attempt; null when there
 * is none apart from `except`.
 */
export async function knownMessage(
  pool: pg.Pool,
  accountId: string,
  except: readonly string[],
): Promise<string | null> {
  const found = await byIndex(pool).query<{ id: string }>({
    name: 'known-message',
    text: `SELECT id FROM (SELECT id, size_estimate FROM syncline.gmail_messages g WHERE account_id = $1 AND id <> ALL($2::text[])
                             AND NOT EXISTS (SELECT 1 FROM syncline.failing_items f WHERE f.account_id = $1 AND f.item_id = g.id) ORDER BY id DESC LIMIT ${KNOWN_LIMIT}) m
            ORDER BY size_estimate NULLS LAST, id LIMIT 1`,
    values: [accountId, arrayLiteral(except, (id) => id)],
  });
  return found.rows[0]?.id ?? null;
}
