-- Closes a bucket after Google's refusal.
--   KEYS 4-5  log, state
--   ARGV 6    for how many ms
--   ARGV 7    1 to slow it down as well
-- Reply: 0, epoch, closed until.
--
-- A refusal although the ledger had units left means that the real limit is lower than ours: the
-- pace falls to three quarters, down to a quarter of the limit, and grows back by ten points a
-- minute from the reopening on. Refusals that come while it is closed are echoes of the first one.

local epoch = birth()
local b = open(KEYS[4], KEYS[5])
local closed_until = math.max(b.closed, now + tonumber(ARGV[6]))
if tonumber(ARGV[7]) == 1 and b.closed <= now then b.pace = math.max(PACE_LEAST, b.pace * PACE_SHRINK) end
redis.call('HSET', b.state, 'closed_until', num(closed_until), 'pace', b.pace, 'pace_at', num(closed_until))
save(b)
return { 0, epoch, closed_until }
