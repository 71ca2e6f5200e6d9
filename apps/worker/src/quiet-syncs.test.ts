import { createRuntime, type Runtime } from '@syncline/runtime';
import { isQuiet, openQuietSyncs } from './quiet-syncs.js';

test('a sync is quiet when it changed no row and was fast', () => {
  expect(isQuiet({ kind: 'caught-up', changes: 0 }, 5_000)).toBe(true);
  expect(isQuiet({ kind: 'caught-up', changes: 0 }, 5_001)).toBe(false);
  expect(isQuiet({ kind: 'caught-up', changes: 1 }, 10)).toBe(false);
  expect(isQuiet({ kind: 'more', full: false }, 10)).toBe(false);
  expect(isQuiet({ kind: 'gone' }, 10)).toBe(false);
});

test('quiet syncs since the last line are summed into one line, and none make no line', () => {
  const rt: Runtime = createRuntime({ service: 'test', logLevel: 'silent' });
  const info = jest.spyOn(rt.log, 'info');
  const quiet = openQuietSyncs(rt);
  quiet.flush();
  quiet.add('gmail-incremental', 10);
  quiet.add('gmail-incremental', 20);
  quiet.add('calendar-incremental', 60);
  quiet.flush();
  quiet.flush();
  quiet.add('gmail-incremental', 5);
  quiet.flush();
  expect(info.mock.calls.map(([fields]) => fields)).toEqual([
    {
      event: 'quiet_syncs',
      count: 3,
      queues: { 'gmail-incremental': 2, 'calendar-incremental': 1 },
      meanMs: 30,
    },
    { event: 'quiet_syncs', count: 1, queues: { 'gmail-incremental': 1 }, meanMs: 5 },
  ]);
});
