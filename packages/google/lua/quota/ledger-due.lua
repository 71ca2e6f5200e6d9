-- Returns whether a day is due to be compared with the ledger in Postgres.
--   KEYS 4  day
-- Reply: 0, epoch, 1 or 0.
--
-- Each pause is as long as all earlier pauses together. Usage that was in flight when Redis lost
-- its data reaches the ledger within minutes; after that the two agree.

local PAUSE_FIRST, PAUSE_LONGEST = 30000, 900000
local epoch = birth()
local at = redis.call('HMGET', KEYS[4], 'ledger_first', 'ledger_at')
local first, last = tonumber(at[1]), tonumber(at[2])
if not last then return { 0, epoch, 1 } end
local pause = math.min(math.max(last - first, PAUSE_FIRST), PAUSE_LONGEST)
return { 0, epoch, now - last >= pause and 1 or 0 }
