import type { AccountView } from '@syncline/store';
import { activeCollections } from '../accounts/document.js';
import { amount, counted, nameOf, when } from '../words.js';

/**
 * Describes what the account's audits compared, when, and what they found. Collections without an
 * audit are named as such.
 */
export function auditWords(account: Pick<AccountView, 'collections'>, nowMs: number): string[] {
  const active = activeCollections(account);
  const finished = active.flatMap((c) => (c.audit.last === null ? [] : [c.audit.last]));
  const never = active.filter(({ audit }) => audit.last === null && audit.inHand === null);
  const total = (of: 'checked' | 'contents' | 'drift'): number =>
    finished.reduce((sum, audit) => sum + audit[of], 0);
  const oldest = finished.reduce((first, { at }) => Math.min(first, at.getTime()), nowMs);
  const whole = `audited ${when(new Date(oldest), nowMs)}${finished.length > 1 ? ' or later' : ''}: ${counted(total('checked'), 'item')} compared, ${amount(total('contents'))} of them with their content; ${findingWords(total('drift'))}`;
  const inHand = active.flatMap((c) =>
    c.audit.inHand === null
      ? []
      : [
          `audit of ${nameOf(c)} under way since ${when(c.audit.inHand.begunAt, nowMs)}: ${counted(c.audit.inHand.checked, 'item')} listed; so far ${findingWords(c.audit.inHand.drift)}`,
        ],
  );
  return [
    ...(finished.length > 0 ? [whole] : []),
    ...inHand,
    ...(never.length > 0 ? [`not audited: ${never.map(nameOf).join(', ')}`] : []),
  ];
}

function findingWords(drift: number): string {
  return drift === 0
    ? 'nothing differed'
    : `${counted(drift, 'item')} differed and ${drift === 1 ? 'is' : 'are'} repaired`;
}
