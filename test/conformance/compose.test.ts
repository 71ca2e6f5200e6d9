import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

const root = path.resolve(__dirname, '../..');
interface Service {
  command?: string[];
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  build?: { dockerfile: string };
  profiles?: string[];
  ports?: string[];
}
const compose = parse(readFileSync(path.join(root, 'docker-compose.yml'), 'utf8'), {
  merge: true,
}) as { services: Record<string, Service> };

test('the compose file has every process, and each waits for what it needs', () => {
  expect(Object.keys(compose.services).sort()).toEqual([
    'api',
    'migrate',
    'postgres',
    'redis',
    'scheduler',
    'simulator',
    'worker',
  ]);
  for (const name of ['scheduler', 'worker', 'api']) {
    expect(compose.services[name]?.depends_on).toEqual({
      postgres: { condition: 'service_healthy' },
      redis: { condition: 'service_healthy' },
      migrate: { condition: 'service_completed_successfully' },
    });
    expect(compose.services[name]?.environment).toMatchObject({
      DATABASE_URL: expect.stringContaining('@postgres:5432/'),
      REDIS_URL: 'redis://redis:6379',
    });
  }
  expect(compose.services['simulator']?.profiles).toEqual(['simulator']);
});

test('every command names a program of this repository, and the image is built from a file that exists', () => {
  const commands = Object.values(compose.services)
    .map((service) => service.command)
    .filter((command) => command?.[0] === 'node');
  expect(commands).toHaveLength(5);
  for (const command of commands) {
    const source = command![1]!.replace('/dist/', '/src/').replace(/\.js$/, '.ts');
    expect([source, existsSync(path.join(root, source))]).toEqual([source, true]);
  }
  expect(existsSync(path.join(root, compose.services['worker']!.build!.dockerfile))).toBe(true);
});

test('nothing is published beyond this machine, Redis keeps what it is given, and what others wait for has a health check', () => {
  for (const service of Object.values(compose.services))
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
  expect(compose.services['redis']?.command).toEqual(
    expect.arrayContaining(['noeviction', '--appendonly', 'yes']),
  );
  for (const name of ['postgres', 'redis', 'api', 'simulator'])
    expect(compose.services[name]?.healthcheck?.test.length).toBeGreaterThan(1);
});
