import { parseRedisUrl, redisHosts } from './address.js';
import { redisProblem } from './find.js';

const server = {
  tls: false,
  username: null,
  password: null,
  database: 0,
  sentinel: null,
};

test.each([
  ['redis://cache', { ...server, hosts: [{ host: 'cache', port: 6379 }] }],
  [
    'redis://app:p%40ss@cache:6380/3',
    {
      ...server,
      hosts: [{ host: 'cache', port: 6380 }],
      username: 'app',
      password: 'p@ss',
      database: 3,
    },
  ],
  [
    'rediss://:secret@[::1]:6379/',
    { ...server, hosts: [{ host: '::1', port: 6379 }], tls: true, password: 'secret' },
  ],
  [
    'redis+sentinel://app:secret@one:26380,two/main/2?sentinelUsername=watch&sentinelPassword=s%3F',
    {
      hosts: [
        { host: 'one', port: 26_380 },
        { host: 'two', port: 26_379 },
      ],
      tls: false,
      username: 'app',
      password: 'secret',
      database: 2,
      sentinel: { master: 'main', username: 'watch', password: 's?' },
    },
  ],
])('reads %s', (url, address) => {
  expect(parseRedisUrl(url)).toEqual(address);
});

test.each([
  ['a host without a scheme', 'cache:6379'],
  ['another scheme', 'http://cache'],
  ['a database that is no number', 'redis://cache/main'],
  ['two paths', 'redis://cache/0/1'],
  ['a port that is none', 'redis://cache:70000'],
  ['several hosts without sentinels', 'redis://one,two'],
  ['sentinels without the name of a master', 'redis+sentinel://one:26379'],
  ['a parameter that means nothing', 'redis://cache?db=3'],
  ['an option of the client', 'redis://cache?family=6'],
  ['a password that is not encoded', 'redis://:50%@cache'],
  ['no host', 'redis:///0'],
])('takes %s for no URL of Redis', (_, url) => {
  expect(parseRedisUrl(url)).toBeNull();
});

test('names hosts without a password', () => {
  const hosts = (url: string): string => redisHosts(parseRedisUrl(url)!);
  expect(hosts('rediss://user:s3cret@cache.internal:6380/2')).toBe('cache.internal:6380');
  expect(hosts('redis+sentinel://:s3cret@one,two:26380/main')).toBe('one:26379, two:26380');
  expect(hosts('redis://[::1]')).toBe('[::1]:6379');
});

test('refuses an old Redis, an evicting one and a replica, each by name', () => {
  expect(redisProblem('redis_version:6.0.16\r\nmaxmemory_policy:noeviction')).toContain(
    'is version 6.0',
  );
  expect(redisProblem('redis_version:5.0.3')).toContain('needs 6.2');
  expect(redisProblem('redis_version:6.2.0\r\nmaxmemory_policy:noeviction\r\n')).toBeNull();
  expect(redisProblem('redis_version:7.0.15\r\nmaxmemory_policy:allkeys-lru\r\n')).toContain(
    'maxmemory-policy noeviction',
  );
  expect(redisProblem('redis_version:7.0.15\r\nrole:slave\r\n')).toContain('is a replica');
  expect(redisProblem('redis_version:10.1.0\r\n')).toBeNull();
});
