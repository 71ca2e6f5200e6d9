import { once } from 'node:events';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { lineOf, startProgram } from '../support/processes.js';
import { startFleetWorld, type FleetWorld } from '../support/fleet-world.js';

/* The addresses on which an API process listens, as another machine would find them. */

let world: FleetWorld;
beforeAll(async () => {
  world = await startFleetWorld({ seed: 72, accounts: 0 });
});
afterAll(() => world.close());

/** On Linux all of 127.0.0.0/8 belongs to the machine, also where it has no network. */
const SECOND_LOOPBACK = '127.0.0.2';

/** The machine's addresses other than 127.0.0.1 that a listener on every address would have. */
function otherAddresses(): string[] {
  const external = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address);
  return [...external, SECOND_LOOPBACK];
}

async function startApi(hosts: Record<string, string>): Promise<number[]> {
  const program = startProgram('api', { ...world.env, PORT: '0', OPERATOR_PORT: '0', ...hosts });
  await lineOf(program, (line) => line.includes('"event":"ready"'));
  const line = await lineOf(program, (text) => text.includes('"event":"listening"'));
  const { port, operatorPort } = JSON.parse(line) as { port: number; operatorPort: number };
  return [port, operatorPort];
}

/** Returns `connected`, or the code of the error. */
async function connection(host: string, port: number): Promise<string> {
  const socket = connect({ host, port, timeout: 5_000 });
  socket.once('timeout', () => socket.destroy(new Error('no answer')));
  try {
    await once(socket, 'connect');
    return 'connected';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  } finally {
    socket.destroy();
  }
}

test.each([
  ['without HOST and OPERATOR_HOST refuses', {}, 'ECONNREFUSED'],
  ['on 0.0.0.0 accepts', { HOST: '0.0.0.0', OPERATOR_HOST: '0.0.0.0' }, 'connected'],
])(
  "an API %s connections to the machine's other addresses, on both ports",
  async (_, hosts, is) => {
    for (const port of await startApi(hosts)) {
      expect(await connection('127.0.0.1', port)).toBe('connected');
      for (const host of otherAddresses())
        expect([host, await connection(host, port)]).toEqual([host, is]);
    }
  },
);
