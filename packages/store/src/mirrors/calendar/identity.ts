/** SQL: the id of the primary calendar of the account `a`, which is the address of the account. */
export const PRIMARY_ADDRESS =
  '(SELECT k.id FROM syncline.calendars k WHERE k.account_id = a.id AND k.is_primary ORDER BY k.id LIMIT 1)';
