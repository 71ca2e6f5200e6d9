-- Whether scripts can write: a Redis that answers PING may be full, read-only or another's.
--   KEYS 1  the probe's key, one for every process
--   ARGV 1  for how many ms it is kept
-- Reply: 1.

redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
return 1
