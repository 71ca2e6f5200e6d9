import { isLoopbackName } from './own-name.js';

test('a Host header names loopback in every form that a program makes of such an address', () => {
  for (const host of `localhost LOCALHOST:3001 127.0.0.1 127.0.0.1:3001 127.1.2.3:80 [::1] [::1]:3001 [0:0:0:0:0:0:0:1]
    [::ffff:127.0.0.1]:3001 [::ffff:7f00:1]:3001`.split(/\s+/))
    expect([host, isLoopbackName(host)]).toEqual([host, true]);
});

test('every other Host header is foreign', () => {
  for (const host of `evil.example localhost.evil.example localhost.:80 127.0.0.1.evil.example 127.0.0.999 10.0.0.1:3001 ::1 [127.0.0.1]
    [localhost] [::2] [::ffff:10.0.0.1] localhost:123456 localhost:80:80 evil@localhost`.split(
    /\s+/,
  ))
    expect([host, isLoopbackName(host)]).toEqual([host, false]);
  expect(isLoopbackName('')).toBe(false);
});
