import {
  activeCollections,
  accountsOf,
  connect,
  Found,
  note,
  passTime,
  postToSimulator,
  type OracleWorld,
} from './world.js';
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
export async function wrongAccount(world: OracleWorld): Promise<string> {
  const [one, known] = shuffled(world);
  const other = world.chance.happens(0.5) ? known : await stranger(world);
  if (one === undefined || other === undefined) return 'there is no other account';
  const before = await mailOf(world, one);
  await connect(world, one, world.simulator.consent(other), 'default');
  for (const collection of await activeCollections(world))
    if (collection.email === one) await runOne(world, collection, null);
  const after = await mailOf(world, one);
  const foreign = new Set(world.simulator.gmailTruth(other).map(({ id }) => id));
  const stolen = after.filter((id) => foreign.has(id));
  if (stolen.length > 0)
    throw new Found(
      'rows come from the account itself',
      `${one} has the messages ${stolen.slice(0, 3).join(', ')} of ${other}`,
    );
  const lost = before.filter((id) => !after.includes(id));
  const gone = lost.filter((id) => world.simulator.gmailTruth(one).some((m) => m.id === id));
  if (gone.length > 0)
    throw new Found(
      'rows come from the account itself',
      `the grant of ${other} took ${gone.slice(0, 3).join(', ')} from ${one}`,
    );
  note(world, 'grant of another account');
  return `the grant of ${other} for ${one}`;
}

/** Returns a person whom no tenant mirrors. */
async function stranger(world: OracleWorld): Promise<string> {
  const email = 'stranger@demo.example';
  if (world.simulator.world.get(email) === null)
    await postToSimulator(world, '/sim/accounts', {
      email,
      messages: 5,
      calendars: 1,
      eventsPerCalendar: 2,
    });
  return email;
}

/** Gives a person another primary address; the previous one becomes an alias. */
export async function renamed(world: OracleWorld): Promise<string> {
  const email = world.chance.pick([...world.accounts.keys()]);
  const id = world.accounts.get(email);
  if (id === undefined || !(await isBound(world, id)))
    return 'the mailbox of the account is unknown';
  const name = `renamed${world.fired.get('renamed') ?? 0}-${email.replace(/^renamed\d+-/, '')}`;
  await postToSimulator(world, `/sim/accounts/${encodeURIComponent(email)}/rename`, {
    email: name,
  });
  world.accounts.delete(email);
  world.accounts.set(name, id);
  await world.engine.store.schedule.requestSync([id], { full: true });
  note(world, 'renamed');
  return `${email} is ${name} now`;
}

/** Mirrors the same mailbox for a second tenant. */
export async function secondTenant(world: OracleWorld): Promise<string> {
  const known = await accountsOf(world);
  const email = world.chance.pick([...world.accounts.keys()]);
  if (known.some((account) => account.tenant === SECOND)) return 'there is one already';
  const token = world.simulator.accounts().find((account) => account.email === email)?.refreshToken;
  if (!token) return 'the person has no grant';
  if (!(await isRecognizable(world, email)))
    return 'the owner of the second account cannot be recognized';
  await connect(world, email, token, SECOND);
  note(world, 'second tenant');
  return email;
}

/** Removes the second tenant's account: the first tenant's grant stays valid. */
export async function removeSecond(world: OracleWorld): Promise<string> {
  const second = (await accountsOf(world)).find((account) => account.tenant === SECOND);
  if (!second) return 'there is no second tenant';
  const first = [...world.accounts].find(([email]) => isOf(world, email, second.email));
  const wasAlive = first !== undefined && isGranted(world, first[0]);
  // A removal waits until the leases of dead workers have expired.
  await passTime(world, 5_000, true);
  await world.engine.remove(second.id);
  note(world, 'second tenant removed');
  if (wasAlive && !isGranted(world, first[0]))
    throw new Found(
      'removal leaves the grants of others',
      `${first[0]} lost its grant when another tenant removed the account`,
    );
  return second.email;
}

const SECOND = 'second';

function isOf({ simulator }: OracleWorld, email: string, other: string): boolean {
  const person = simulator.world.get(email);
  return person !== null && person === simulator.world.get(other);
}

/** Whether Google still accepts the person's newest grant. */
function isGranted({ simulator }: OracleWorld, email: string): boolean {
  return Boolean(simulator.accounts().find((account) => account.email === email)?.refreshToken);
}

function shuffled(world: OracleWorld): string[] {
  const emails = [...world.accounts.keys()];
  return world.chance.happens(0.5) ? emails : emails.toReversed();
}

/**
 * Whether a second account of the person is recognized as the same person's. Without a sub only the
 * address shows it, and a new address is read at the next full sync.
 */
async function isRecognizable(world: OracleWorld, email: string): Promise<boolean> {
  const { rowCount } = await world.database.pool.query(
    'SELECT 1 FROM syncline.accounts WHERE id = $1 AND (google_sub IS NOT NULL OR address = $2)',
    [world.accounts.get(email), email.toLowerCase()],
  );
  return rowCount === 1;
}

/**
 * Whether the account is bound to an identity, by a sub or by rows; before that it accepts only a
 * grant of its own address.
 */
async function isBound(world: OracleWorld, id: string): Promise<boolean> {
  const { rowCount } = await world.database.pool.query(
    `SELECT 1 FROM syncline.accounts WHERE id = $1 AND state = 'active' AND identity_id IS NOT NULL AND verified_grant = grant_number
        AND (google_sub IS NOT NULL OR EXISTS (SELECT 1 FROM syncline.gmail_messages m WHERE m.account_id = accounts.id))`,
    [id],
  );
  return rowCount === 1;
}

async function mailOf(world: OracleWorld, email: string): Promise<string[]> {
  const { rows } = await world.database.pool.query<{ id: string }>(
    'SELECT id FROM syncline.gmail_messages WHERE account_id = $1',
    [world.accounts.get(email)],
  );
  return rows.map(({ id }) => id);
}
