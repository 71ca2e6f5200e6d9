-- Takes one chunk of the usage that a process reports again.
--   KEYS 4…  log and state of each bucket
--   ARGV 6   JSON, per bucket `{entries: [[slot, units, at]…], closedUntil}`
-- Reply: 0, epoch.
--
-- Entries that the ledger still has are skipped: it kept them up to this process's last witness
-- mark. So nothing counts twice when a process reports twice, or when Redis lost only its last
-- second.

local epoch = birth()
local kept = tonumber(redis.call('ZSCORE', KEYS[2], reporter) or 0)
for i, reported in ipairs(cjson.decode(ARGV[6])) do
  local b = open(KEYS[2 + 2 * i], KEYS[3 + 2 * i])
  local merged, order = {}, {}
  local function put(at, units)
    if not merged[at] then order[#order + 1] = at end
    merged[at] = (merged[at] or 0) + units
  end
  for _, entry in ipairs(redis.call('LRANGE', b.log, 0, -1)) do put(parse(entry)) end
  for _, entry in ipairs(reported.entries) do
    if entry[3] > kept and entry[1] + KEEP > now then
      put(entry[1], entry[2])
      b.sum = b.sum + entry[2]
    end
  end
  table.sort(order)
  redis.call('DEL', b.log)
  for _, at in ipairs(order) do redis.call('RPUSH', b.log, num(at) .. ':' .. num(merged[at])) end
  if reported.closedUntil > math.max(now, b.closed) then
    redis.call('HSET', b.state, 'closed_until', num(reported.closedUntil))
  end
  save(b)
end
return { 0, epoch }
