-- Checks that scripts can write: a Redis that answers PING may be full, read-only or another
-- deployment's.
--   KEYS 1  the probe's key, shared by all processes
--   ARGV 1  for how many ms it is kept
-- Reply: 1.

redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
return 1
