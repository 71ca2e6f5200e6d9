-- Ends a report.
--   KEYS 4…  day keys
--   ARGV 6   JSON, units per day key, as this process counted them
--   ARGV 7   JSON, the witnesses that this process knew, `[[name, at]…]`
--   ARGV 8   1 when Redis was away for so long that they may have spent their kept units
-- Reply: 0, epoch.
--
-- A process that charged later than the ledger records is missing until it reports.

local epoch = birth()
for i, units in ipairs(cjson.decode(ARGV[6])) do
  local known_of = redis.call('HGET', KEYS[3 + i], reporter)
  local unreported = units - tonumber(known_of or 0)
  if unreported > 0 then
    -- The ledger in Postgres already contains the units of a process that reports for the first
    -- time after Redis lost its data. Raising `base` keeps them from being counted twice.
    if not known_of and redis.call('HEXISTS', KEYS[3 + i], 'ledger') == 1 then
      redis.call('HINCRBY', KEYS[3 + i], 'base', unreported)
    end
    redis.call('HINCRBY', KEYS[3 + i], 'total', unreported)
    redis.call('HINCRBY', KEYS[3 + i], reporter, unreported)
    redis.call('EXPIRE', KEYS[3 + i], 172800)
  end
end
for _, w in ipairs(cjson.decode(ARGV[7])) do
  local name, at = w[1], w[2]
  if name ~= reporter and at > tonumber(redis.call('ZSCORE', KEYS[2], name) or 0) then
    redis.call('ZADD', KEYS[3], tonumber(ARGV[8]) == 1 and now or at, name)
  end
end
witness()
redis.call('ZREM', KEYS[3], reporter)
redis.call('PEXPIRE', KEYS[3], KEEP)
return { 0, epoch }
