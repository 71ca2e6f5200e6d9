import { readFileSync } from 'node:fs';
import path from 'node:path';
import { CLUSTER_COMMANDS, REDIS_COMMANDS, UNTRIED_COMMANDS } from '@syncline/runtime';

const TEXT = readFileSync(path.resolve(__dirname, '../../docs/how-to/deployment.md'), 'utf8');

test('docs/how-to/deployment.md grants an ACL user what is tried at start, and nothing else', () => {
  const line = /^ACL SETUSER syncline .*$/m.exec(TEXT)?.[0] ?? '';
  const granted = line.split(' ').filter((word) => word.startsWith('+'));
  const needed = [...Object.keys(REDIS_COMMANDS), ...UNTRIED_COMMANDS];
  expect(granted).toEqual(needed.map((name) => `+${name}`));
  const inCluster = Object.keys(CLUSTER_COMMANDS).map((name) => `+${name}`);
  expect(TEXT).toContain(`\`${inCluster.join(' ')}\` in a cluster`);
});
