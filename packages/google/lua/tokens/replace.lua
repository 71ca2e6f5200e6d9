-- Replaces a shared access token only while it is unchanged, and keeps its expiry.
--   KEYS 1  the token
--   ARGV 1  the sealed token as it was read
--   ARGV 2  the sealed token that replaces it; empty: delete it
-- Reply: 1, or 0 when another process has changed it meanwhile.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1
