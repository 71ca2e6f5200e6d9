-- Units of a day: what the processes reported, or what the ledger in Postgres had when this day
-- last learned of it and what was charged since, whichever is more.
local function day_used(key)
  local d = redis.call('HMGET', key, 'total', 'ledger', 'base')
  local total, ledger = tonumber(d[1]) or 0, tonumber(d[2])
  if not ledger then return total end
  return math.max(total, ledger + total - (tonumber(d[3]) or 0))
end
