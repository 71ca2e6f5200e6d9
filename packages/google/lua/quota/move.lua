-- Moves a charge to now.
--   KEYS 4-7  user log, user state, project log, project state
--   ARGV 6-7  slot, units
-- Reply: 0, epoch, slot it was moved to, now.

local from, units = tonumber(ARGV[6]), tonumber(ARGV[7])
local epoch = birth()
if known ~= '' and known ~= epoch then return { -1, epoch } end
local used = slot
for i = 4, 6, 2 do
  local b = open(KEYS[i], KEYS[i + 1])
  for index, entry in ipairs(redis.call('LRANGE', b.log, 0, -1)) do
    local at, there = parse(entry)
    if at == from and there >= units then
      redis.call('LSET', b.log, index - 1, num(at) .. ':' .. num(there - units))
      b.sum = b.sum - units
    end
  end
  used = math.max(used, add(b, units))
  save(b)
end
witness()
return { 0, epoch, used, now }
