import { activeCollections, connect, Found, passTime, work, type Stage } from './stage.js';

/** Rounds of the schedule in which quiet must come; what is in hand after that would never end. */
const MAX_ROUNDS = 40;

/** Users, faults and crashes are over. Most of those whose grant is dead consent anew; the others' accounts must stand in their named state. */
export async function makeQuiet(stage: Stage): Promise<void> {
  stage.simulator.faults.clear();
  await letRefusalsShow(stage);
  const waiting = (await stage.engine.store.accounts.list()).filter((account) => account.state !== 'active');
  for (const account of waiting) {
    if (account.state !== 'reauth_required' || !account.reason) throw new Found('never silently idle', `${account.email} is ${account.state} without a reason`);
    if (stage.chance.happens(0.2)) stage.accounts.delete(account.email);
    else await connect(stage, account.email, stage.simulator.consent(account.email), 'default');
  }
  await catchUp(stage);
  // Renamed labels leave no history: the catalogue is read again when it is that old.
  await passTime(stage, 11 * 60_000, true);
  await catchUp(stage);
}

/** Every collection has its turn, so that a grant which was taken back is noticed before anybody looks. */
async function letRefusalsShow(stage: Stage): Promise<void> {
  await passTime(stage, 60_000, true);
  for (const collection of await activeCollections(stage)) await work(stage, collection, 60_000);
}

/** What scheduler and workers do, until every collection was served by a run that began after this call. */
export async function catchUp(stage: Stage, options: { full?: boolean } = {}): Promise<void> {
  const { collections } = stage.engine.store;
  const ids = (await stage.engine.store.accounts.list()).filter((account) => account.state === 'active').map((account) => account.id);
  const since = await collections.markWanted(ids, options);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const unserved = await collections.unservedSince(ids, since);
    if (unserved.length === 0) return;
    const due = new Set((await collections.claimDue({ limit: 100, visibilityMs: 60_000 })).map((collection) => collection.id));
    let sentAway = false;
    for (const collection of await activeCollections(stage)) {
      if (due.has(collection.id)) sentAway = (await work(stage, collection, stage.chance.pick([5, 60_000]))).kind !== 'caught-up' || sentAway;
    }
    await passTime(stage, 5_000, sentAway);
  }
  const unserved = await collections.unservedSince(ids, since);
  if (unserved.length > 0) throw new Found('never silently idle', `not served: ${unserved.map((c) => `${c.email} ${c.kind} ${c.externalId} (${c.accountState}, ${c.reason})`).join('; ')}`);
}
