-- What Redis forgets: FLUSHALL, a restart from an old snapshot, a failover. `birth` holds a random
-- epoch and the server's run id. When either is not what a process knew, that process reports what
-- it spent itself (quota/report.lua) before it may charge again, and everybody is held for HOLD so
-- that all can report. Processes that charged (`witnesses`) and did not report are `missing`: they
-- may have died with units that they have not reported, and the fleet waits until these have left
-- the window. A Redis that is really new has nobody who knew another epoch, and delays nobody.

-- The epoch as it is now, and until when everybody is held.
local function birth()
  local b = redis.call('HMGET', KEYS[1], 'epoch', 'run', 'held_until')
  local epoch, held = b[1], tonumber(b[3])
  if not epoch or (run ~= '' and b[2] ~= run) then
    epoch, held = candidate, nil
    redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[1], 'epoch', epoch, 'run', run)
  end
  if known ~= '' and known ~= epoch and not held then
    held = now + HOLD
    redis.call('HSET', KEYS[1], 'held_until', num(held))
  end
  return epoch, held or 0
end

local function witness()
  redis.call('ZADD', KEYS[2], now, reporter)
end
