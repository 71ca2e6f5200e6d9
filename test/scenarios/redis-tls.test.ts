import { exited } from '../support/processes.js';
import { ROOMY, SMALL, expectMirrored, importAll } from '../support/redis-fleet.js';
import { startTlsRedis, type TlsRedis } from '../support/redis-tls.js';
import { startFleetWorld, type FleetWorld } from '../support/fleet-world.js';

/* Real processes on a Redis that speaks TLS alone and asks for a client's certificate; every certificate is signed by an authority of this test. */

let redis: TlsRedis;
let world: FleetWorld;

beforeAll(async () => {
  redis = await startTlsRedis();
  world = await startFleetWorld({ ...SMALL, seed: 95 }, { url: redis.url, env: ROOMY });
}, 60_000);
afterAll(async () => {
  await world.close();
  await redis.stop();
});

function secured(): Record<string, string> {
  const { ca, cert, key } = redis.files;
  return {
    REDIS_URL: redis.url,
    REDIS_CA_FILE: ca,
    REDIS_CERT_FILE: cert,
    REDIS_KEY_FILE: key,
  };
}

test('a fleet mirrors over TLS with its own authority and certificate', async () => {
  Object.assign(world.env, secured());
  await importAll(world);
  for (const program of ['scheduler', 'worker', 'api'] as const) world.start(program);
  await expectMirrored(world);
  await world.stopAll();
}, 180_000);

test.each<[string, () => Record<string, string | undefined>, string]>([
  ['without its authority', () => ({ REDIS_CA_FILE: undefined }), 'REDIS_CA_FILE must name'],
  [
    'with another authority',
    () => ({ REDIS_CA_FILE: redis.files.otherCa }),
    'REDIS_CA_FILE must name',
  ],
  [
    'by a name that its certificate does not have',
    () => ({ REDIS_URL: `rediss://127.0.0.1:${redis.port}` }),
    'shows a certificate for other hosts (ERR_TLS_CERT_ALTNAME_INVALID)',
  ],
  [
    "without a client's certificate",
    () => ({ REDIS_CERT_FILE: undefined, REDIS_KEY_FILE: undefined }),
    'does not accept this TLS connection (ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED)',
  ],
  [
    "with a client's certificate of another authority",
    () => ({ REDIS_CERT_FILE: redis.files.otherCa, REDIS_KEY_FILE: redis.files.otherKey }),
    'does not accept this TLS connection (ERR_SSL_TLSV1_ALERT_UNKNOWN_CA)',
  ],
  [
    'with a certificate and no key',
    () => ({ REDIS_KEY_FILE: undefined }),
    'REDIS_CERT_FILE and REDIS_KEY_FILE are',
  ],
  [
    'with a file that is none',
    () => ({ REDIS_CA_FILE: '/nowhere/ca.pem' }),
    'REDIS_CA_FILE names a file that cannot be read (ENOENT)',
  ],
  [
    'with an authority and no TLS',
    () => ({ REDIS_URL: `redis://localhost:${redis.port}` }),
    'REDIS_URL must begin with rediss: to go with REDIS_CA_FILE, REDIS_CERT_FILE, REDIS_KEY_FILE',
  ],
])(
  'a Redis that is addressed %s is refused in one sentence, without waiting',
  async (_, change, sentence) => {
    const changed = Object.entries({ ...world.env, ...secured(), ...change() });
    world.env = Object.fromEntries(
      changed.filter((entry): entry is [string, string] => !!entry[1]),
    );
    const { code, stdout, stderr } = await exited(world.start('scheduler'));
    expect(stdout).not.toContain('server_awaited');
    expect(stderr).toContain(sentence);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(code).toBe(1);
  },
  60_000,
);
