-- Closes a bucket after a refusal by Google.
--   KEYS 4-5  log, state
--   ARGV 6    for how many ms
--   ARGV 7    1 to lower the pace as well
-- Reply: 0, epoch, closed until.
--
-- A refusal while the ledger had units left means that Google's limit is lower than the configured
-- one. The pace falls to three quarters, at least a quarter of the limit, and grows by ten points a
-- minute after the reopening. Refusals that arrive while the bucket is closed belong to the first
-- one and do not lower the pace again.

local epoch = birth()
local b = open(KEYS[4], KEYS[5])
local closed_until = math.max(b.closed, now + tonumber(ARGV[6]))
if tonumber(ARGV[7]) == 1 and b.closed <= now then b.pace = math.max(PACE_LEAST, b.pace * PACE_SHRINK) end
redis.call('HSET', b.state, 'closed_until', num(closed_until), 'pace', b.pace, 'pace_at', num(closed_until))
save(b)
return { 0, epoch, closed_until }
