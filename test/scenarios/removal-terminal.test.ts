import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { startWorld, type World } from '../support/world.js';

/*
 * `accounts remove` on a terminal asks before it removes anything. The terminal is a pseudo-terminal
 * of script(1).
 *
 * @needs script
 */

const CLI = path.resolve(__dirname, '../../apps/cli/dist/main.js');

let world: World;
let email: string;
beforeAll(async () => {
  world = await startWorld({
    seed: 72,
    accounts: 1,
    messagesPerAccount: 2,
    calendarsPerAccount: 0,
    eventsPerCalendar: 0,
  });
  email = (await world.control.accounts())[0]!.email;
});
afterAll(() => world.close());

/** Runs the command on a terminal, and types the answer when it asks. */
async function remove(
  answer: string,
  ...options: string[]
): Promise<{ code: number | null; printed: string }> {
  const command = [process.execPath, CLI, 'accounts', 'remove', email, ...options].join(' ');
  const terminal = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    env: { PATH: process.env['PATH'] ?? '', TERM: 'dumb', ...world.env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let printed = '';
  terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
    const hadAsked = printed.includes('[y/N]');
    printed += text;
    if (!hadAsked && printed.includes('[y/N]')) terminal.stdin.write(answer);
  });
  await once(terminal, 'close');
  return { code: terminal.exitCode, printed };
}

const accounts = async (): Promise<number> => (await world.store.accounts.list()).length;

test.each([
  ['n', 'n\r'],
  ['nothing', '\r'],
  ['another word', 'yesterday\r'],
  ['the end of the input', '\u0004'],
])('removes nothing after %s', async (_, answer) => {
  const { code, printed } = await remove(answer);
  expect(printed).toContain(`Remove ${email} of tenant default, with every row of it? [y/N]`);
  expect([code, await accounts()]).toEqual([1, 1]);
});

test('removes nothing after Ctrl-C', async () => {
  const { code } = await remove('\u0003');
  expect(code).not.toBe(0);
  expect(await accounts()).toBe(1);
});

test('removes the account after y', async () => {
  const { code, printed } = await remove('y\r');
  expect(printed).toMatch(/is removed: \d+ rows erased; the grant is revoked/);
  expect([code, await accounts()]).toEqual([0, 0]);
});
