-- Reads buckets without charging.
--   KEYS 4…  log and state of each bucket
-- Reply: 0, epoch, then for each bucket units, remaining closure in ms, and pace in percent.

local epoch = birth()
local reply = { 0, epoch }
for i = 4, #KEYS, 2 do
  local b = open(KEYS[i], KEYS[i + 1])
  if b.sum > 0 then save(b) end
  reply[#reply + 1] = b.sum
  reply[#reply + 1] = math.max(0, b.closed - now)
  reply[#reply + 1] = math.floor(b.pace)
end
return reply
