import {
  activeCollections,
  accountsOf,
  connect,
  Found,
  note,
  passTime,
  postToSimulator,
  type Stage,
} from './stage.js';
import { runOne } from './runs.js';

/*
 * Ownership of mail: wrong grants, other addresses, and one mailbox in two tenants. Another
 * person's grant changes no row, a person with a new address keeps the account, and a removal by
 * one tenant does not affect the other.
 */

/**
 * A person picks another Google account when consenting again: the grant of one person is imported
 * under the name of the other.
 */
export async function wrongAccount(stage: Stage): Promise<string> {
  const [one, known] = shuffled(stage);
  const other = stage.chance.happens(0.5) ? known : await stranger(stage);
  if (one === undefined || other === undefined) return 'there is nobody else';
  const before = await mailOf(stage, one);
  await connect(stage, one, stage.simulator.consent(other), 'default');
  for (const collection of await activeCollections(stage))
    if (collection.email === one) await runOne(stage, collection, null);
  const after = await mailOf(stage, one);
  const foreign = new Set(stage.simulator.gmailTruth(other).map(({ id }) => id));
  const stolen = after.filter((id) => foreign.has(id));
  if (stolen.length > 0)
    throw new Found(
      'rows come from the account itself',
      `${one} has the messages ${stolen.slice(0, 3).join(', ')} of ${other}`,
    );
  const lost = before.filter((id) => !after.includes(id));
  const gone = lost.filter((id) => stage.simulator.gmailTruth(one).some((m) => m.id === id));
  if (gone.length > 0)
    throw new Found(
      'rows come from the account itself',
      `the grant of ${other} took ${gone.slice(0, 3).join(', ')} from ${one}`,
    );
  note(stage, 'grant of another account');
  return `the grant of ${other} for ${one}`;
}

/** Returns a person whom no tenant mirrors. */
async function stranger(stage: Stage): Promise<string> {
  const email = 'stranger@demo.example';
  if (stage.simulator.world.get(email) === null)
    await postToSimulator(stage, '/sim/accounts', {
      email,
      messages: 5,
      calendars: 1,
      eventsPerCalendar: 2,
    });
  return email;
}

/** Gives a person another primary address; the previous one becomes an alias. */
export async function renamed(stage: Stage): Promise<string> {
  const email = stage.chance.pick([...stage.accounts.keys()]);
  const id = stage.accounts.get(email);
  if (id === undefined || !(await isBound(stage, id))) return 'nobody whose mailbox is known';
  const name = `renamed${stage.fired.get('renamed') ?? 0}-${email.replace(/^renamed\d+-/, '')}`;
  await postToSimulator(stage, `/sim/accounts/${encodeURIComponent(email)}/rename`, {
    email: name,
  });
  stage.accounts.delete(email);
  stage.accounts.set(name, id);
  await stage.engine.store.collections.requestSync([id], { full: true });
  note(stage, 'renamed');
  return `${email} is ${name} now`;
}

/** Mirrors the same mailbox for a second tenant. */
export async function secondTenant(stage: Stage): Promise<string> {
  const known = await accountsOf(stage);
  const email = stage.chance.pick([...stage.accounts.keys()]);
  if (known.some((account) => account.tenant === SECOND)) return 'there is one already';
  const token = stage.simulator.accounts().find((account) => account.email === email)?.refreshToken;
  if (!token) return 'the person has no grant';
  if (!(await isRecognizable(stage, email))) return 'nobody can tell whose the second account is';
  await connect(stage, email, token, SECOND);
  note(stage, 'second tenant');
  return email;
}

/** Removes the second tenant's account: the first tenant's grant stays valid. */
export async function removeSecond(stage: Stage): Promise<string> {
  const second = (await accountsOf(stage)).find((account) => account.tenant === SECOND);
  if (!second) return 'there is no second tenant';
  const first = [...stage.accounts].find(([email]) => isOf(stage, email, second.email));
  const wasAlive = first !== undefined && isGranted(stage, first[0]);
  // A removal waits until the leases of dead workers have expired.
  await passTime(stage, 5_000, true);
  await stage.engine.remove(second.id);
  note(stage, 'second tenant removed');
  if (wasAlive && !isGranted(stage, first[0]))
    throw new Found(
      'removal leaves the grants of others',
      `${first[0]} lost its grant when another tenant removed the account`,
    );
  return second.email;
}

const SECOND = 'second';

function isOf({ simulator }: Stage, email: string, other: string): boolean {
  const person = simulator.world.get(email);
  return person !== null && person === simulator.world.get(other);
}

/** Whether Google still accepts the person's newest grant. */
function isGranted({ simulator }: Stage, email: string): boolean {
  return Boolean(simulator.accounts().find((account) => account.email === email)?.refreshToken);
}

function shuffled(stage: Stage): string[] {
  const emails = [...stage.accounts.keys()];
  return stage.chance.happens(0.5) ? emails : emails.toReversed();
}

/**
 * Whether a second account of the person is recognized as the same person's. Without a sub only the
 * address shows it, and a new address is read at the next full sync.
 */
async function isRecognizable(stage: Stage, email: string): Promise<boolean> {
  const { rowCount } = await stage.database.pool.query(
    'SELECT 1 FROM syncline.accounts WHERE id = $1 AND (google_sub IS NOT NULL OR lower(email) = lower($2))',
    [stage.accounts.get(email), email],
  );
  return rowCount === 1;
}

/**
 * Whether the account is bound to an identity, by a sub or by rows; before that it accepts only a
 * grant of its own address.
 */
async function isBound(stage: Stage, id: string): Promise<boolean> {
  const { rowCount } = await stage.database.pool.query(
    `SELECT 1 FROM syncline.accounts WHERE id = $1 AND state = 'active' AND identity_id IS NOT NULL AND verified_grant = grant_number
        AND (google_sub IS NOT NULL OR EXISTS (SELECT 1 FROM syncline.gmail_messages m WHERE m.account_id = accounts.id))`,
    [id],
  );
  return rowCount === 1;
}

async function mailOf(stage: Stage, email: string): Promise<string[]> {
  const { rows } = await stage.database.pool.query<{ id: string }>(
    'SELECT id FROM syncline.gmail_messages WHERE account_id = $1',
    [stage.accounts.get(email)],
  );
  return rows.map(({ id }) => id);
}
