-- Detects that Redis lost data: FLUSHALL, a restart from an old snapshot, a failover. `birth` holds
-- a random epoch and the server's run id. When either differs from what a process knows, the
-- process must report its own usage (quota/report.lua) before it may charge again, and all charges
-- are refused for HOLD so that every process can report. Processes that charged (`witnesses`) and
-- did not report are `missing`: they may have died with unreported units, so all charges wait until
-- these units have left the window. On a new Redis no process knows another epoch, so nothing is
-- delayed.

-- Returns the current epoch, and the time until which all charges are refused.
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
