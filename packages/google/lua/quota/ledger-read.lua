-- Stores the units that the ledger in Postgres has of a day. The day's usage never decreases by
-- this.
--   KEYS 4  day
--   ARGV 6  units
-- Reply: 0, epoch.

local epoch = birth()
local units = math.max(tonumber(ARGV[6]), day_used(KEYS[4]))
local total = tonumber(redis.call('HGET', KEYS[4], 'total') or 0)
redis.call('HSET', KEYS[4], 'ledger', num(units), 'base', num(total), 'ledger_at', num(now))
redis.call('HSETNX', KEYS[4], 'ledger_first', num(now))
redis.call('EXPIRE', KEYS[4], 172800)
return { 0, epoch }
