-- Merges two quota users that are one Google identity: adds the usage of one API by the first user
-- to the window of the second.
--   KEYS 4-7  log and state of the first, log and state of the second
--   ARGV 6    1 when the first may not be charged any more; it is closed, so that runs that began
--             before are refused
--   ARGV 7    0, or how several accounts are the second, as in quota/charge.lua
-- Reply: 0, epoch.

local epoch = birth()
if known ~= '' and known ~= epoch then return { -1, epoch } end
local from, to = open(KEYS[4], KEYS[5]), open(KEYS[6], KEYS[7])
local spent, slots = {}, {}
for _, log in ipairs({ from.log, to.log }) do
  for _, entry in ipairs(redis.call('LRANGE', log, 0, -1)) do
    local at, units = parse(entry)
    if not spent[at] then table.insert(slots, at) end
    spent[at] = (spent[at] or 0) + units
  end
end
table.sort(slots)
redis.call('DEL', to.log, from.log, from.state)
to.sum = 0
for _, at in ipairs(slots) do
  redis.call('RPUSH', to.log, num(at) .. ':' .. num(spent[at]))
  to.sum = to.sum + spent[at]
end
if from.pace < to.pace then redis.call('HSET', to.state, 'pace', from.pace, 'pace_at', num(now)) end
redis.call('HSET', to.state, 'closed_until', num(math.max(from.closed, to.closed)))
if ARGV[7] ~= '0' then redis.call('HSETNX', to.state, 'shared_at', ARGV[7] == '1' and num(now) or '0') end
save(to)
if ARGV[6] == '1' then
  redis.call('HSET', from.state, 'closed_until', num(now + 3600000))
  redis.call('PEXPIRE', from.state, STATE_TTL)
end
return { 0, epoch }
