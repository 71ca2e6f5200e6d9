/**
 * Loaded into a child process before its program (`node --require`). When the parent ends, even by
 * `kill -9`, the operating system closes the channel to it, and the child drains as after a
 * SIGTERM. The child receives no other signal: it has a process group of its own, so that Ctrl-C
 * reaches the parent alone.
 */
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
// The channel would otherwise keep the process running after its program has ended.
process.channel?.unref();
