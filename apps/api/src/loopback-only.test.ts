import { refusalFor } from './loopback-only.js';

const here = {
  remoteAddress: '127.0.0.1',
  host: 'localhost:3000',
  headerNames: ['host', 'user-agent', 'accept'],
};

test.each([
  'localhost',
  'localhost:3000',
  'LOCALHOST:3000',
  '127.0.0.1:3000',
  '[::1]:3000',
  '[::1]',
])('the machine itself may look, as %s', (host) => {
  expect(refusalFor({ ...here, host })).toBeNull();
});

test.each(['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1'])(
  'loopback is %s',
  (remoteAddress) => {
    expect(refusalFor({ ...here, remoteAddress })).toBeNull();
  },
);

test.each([
  undefined,
  '',
  '10.0.0.7',
  '::ffff:10.0.0.7',
  '172.17.0.1',
  '127.0.0.1.evil.example',
  '2001:db8::1',
])('%s is elsewhere', (remoteAddress) => {
  expect(refusalFor({ ...here, remoteAddress })).toContain('does not come from the machine');
});

test.each([
  undefined,
  '',
  'evil.example',
  'localhost.evil.example',
  'evil.example:3000',
  '127.0.0.1.nip.io',
  'localhost@evil.example',
  'localhost:3000:1',
  '0.0.0.0',
])('a name that was rebound to loopback is refused: %s', (host) => {
  expect(refusalFor({ ...here, host })).toContain('Host header');
});

test.each([
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-real-ip',
  'via',
  'cf-connecting-ip',
])('whoever came through a proxy is refused: %s', (name) => {
  expect(refusalFor({ ...here, headerNames: [...here.headerNames, name] })).toContain('proxy');
});
