const SAMPLE = 5;

/**
 * SQL: some resource names that identify the owner of the account `a`. A linked contact does not: it
 * has the name of a profile, which others see too. Nor does a system group: every account has it.
 */
export const KNOWN_PEOPLE = `ARRAY(
  (SELECT p.id FROM syncline.contacts p WHERE p.account_id = a.id AND p.id LIKE 'people/c%' ORDER BY p.id LIMIT ${SAMPLE})
  UNION ALL (SELECT g.id FROM syncline.contact_groups g WHERE g.account_id = a.id AND g.type = 'USER_CONTACT_GROUP' ORDER BY g.id LIMIT ${SAMPLE})
  UNION ALL (SELECT o.id FROM syncline.other_contacts o WHERE o.account_id = a.id ORDER BY o.id LIMIT ${SAMPLE}))`;
