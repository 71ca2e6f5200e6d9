import { returnAddress, returnToProblem } from './return-to.js';

const PUBLIC = 'https://sync.example.com';
const LIST = ['https://app.acme.com/', 'https://www.acme.com/done'];

test.each([
  'https://app.acme.com',
  'https://app.acme.com/',
  'https://app.acme.com/settings?tab=mail',
  'https://www.acme.com/done?user=1',
])('an address on the list is accepted: %s', (address) => {
  expect(returnToProblem(address, { allowed: LIST, publicUrl: PUBLIC })).toBeNull();
});

test.each([
  '//evil.example',
  'javascript:alert(1)',
  'data:text/html,x',
  'https://evil.example/',
  'https://app.acme.com.evil.example/',
  'https://app.acme.com@evil.example/',
  'https://user@app.acme.com/',
  'https://app.acme.com:8443/',
  'http://app.acme.com/',
  'https://app.acme.com\\@evil.example/',
  'https:\\\\app.acme.com/',
  'https://APP.acme.com/',
  'https://app.acme.com/../x',
  'https://app.acme.com/%2e%2e/x',
  'https://app.acme.com/a%2fb',
  'https://app.acme.com/#x',
  ' https://app.acme.com/',
  'https://app.acme.com/\n',
  'https://www.acme.com/done/more',
  'https://www.acme.com/',
  'http://127.0.0.1:5000/',
  '/settings',
])('any other form is refused: %j', (address) => {
  expect(returnToProblem(address, { allowed: LIST, publicUrl: PUBLIC })).toContain('returnTo');
});

test('without a list, loopback addresses are allowed only where the API is on loopback', () => {
  const address = 'http://localhost:5000/done';
  const onLoopback = { allowed: [], publicUrl: 'http://127.0.0.1:3000' };
  expect(returnToProblem(address, onLoopback)).toBeNull();
  expect(returnToProblem('https://app.acme.com/', onLoopback)).not.toBeNull();
  expect(returnToProblem(address, { allowed: [], publicUrl: PUBLIC })).not.toBeNull();
});

test('the result is added to the query that is there', () => {
  expect(
    returnAddress('https://app.acme.com/a?b=c', { id: 'cs_1', outcome: 'partly-granted' }),
  ).toBe('https://app.acme.com/a?b=c&connect=cs_1&result=partly-granted');
});
