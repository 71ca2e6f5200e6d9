-- Releases the lock only while it is still ours.
--   KEYS 1  the lock
--   ARGV 1  the owner's mark
-- Reply: 1, or 0 when the lock is another's or has expired.

if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
