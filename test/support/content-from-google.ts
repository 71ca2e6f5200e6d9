import { refusingGoogle } from './refusing-google.js';
import { startApi } from './api-world.js';
import { startWorld } from './world.js';

/**
 * Sends the requests for content that Google gives or refuses, and for an account that may not be
 * asked for. The helper of the API compares their answers with the document.
 * @returns the statuses
 */
export async function contentFromGoogle(): Promise<number[]> {
  const world = await startWorld({
    seed: 1_508,
    accounts: 1,
    messagesPerAccount: 1,
    calendarsPerAccount: 1,
    resources: ['gmail'],
  });
  const [known] = await world.store.accounts.list();
  const { id, email } = known!;
  const { messageId } = (await world.control.actAs(email, {
    action: 'deliver',
    rawBase64: Buffer.from(MAIL).toString('base64'),
  })) as { messageId: string };
  await world.catchUp();
  let isRefused = false;
  const google = refusingGoogle(world.google, () =>
    isRefused ? { kind: 'forbidden', reason: 'for a test' } : null,
  );
  const api = await startApi({ on: world, google });
  const key = await api.key();
  const statuses: number[] = [];
  const get = async (path: string): Promise<void> => {
    const answer = await api.send('GET', `/v1/accounts/${id}/messages/${messageId}/${path}`, {
      key,
    });
    statuses.push(answer.status);
  };
  await get('attachments/1');
  isRefused = true;
  await get('attachments/1');
  await get('source?fetch=true');
  await world.store.accounts.pause(id);
  await get('attachments/1');
  await api.close();
  await world.close();
  return statuses;
}

const MAIL = [
  'From: a@b.example',
  'Subject: a file',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary="b"',
  '',
  '--b',
  'Content-Type: text/plain',
  '',
  'See below.',
  '--b',
  'Content-Type: text/csv; name="a.csv"',
  'Content-Disposition: attachment; filename="a.csv"',
  '',
  'a,b',
  '--b--',
  '',
].join('\r\n');
