/**
 * Loaded into a child process ahead of its program (`node --require`): when the parent is gone, even by `kill -9`, the
 * operating system closes the channel to it, and the child drains as if it had been told to. Nothing else would: a child
 * has a process group of its own, so that Ctrl-C reaches the parent alone.
 */
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
// A listener would otherwise keep the process running when its program has ended.
process.channel?.unref();
