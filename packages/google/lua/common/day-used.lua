-- Returns the units of a day: the larger of what the processes reported, and what the ledger in
-- Postgres had when it was last read plus what was charged since.
local function day_used(key)
  local d = redis.call('HMGET', key, 'total', 'ledger', 'base')
  local total, ledger = tonumber(d[1]) or 0, tonumber(d[2])
  if not ledger then return total end
  return math.max(total, ledger + total - (tonumber(d[3]) or 0))
end
