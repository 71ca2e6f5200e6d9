/**
 * Loaded into a worker (`node --require`): reading a message with the mark ends the process at
 * once, as a bug in a native library would.
 */
const parse = JSON.parse;
JSON.parse = (text, ...rest) => {
  if (typeof text === 'string' && text.includes('this-mail-ends-the-worker'))
    process.kill(process.pid, 'SIGKILL');
  return parse(text, ...rest);
};
