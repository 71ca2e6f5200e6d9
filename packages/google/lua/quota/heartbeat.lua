-- Records that this process is alive.
--   KEYS 4    members
--   KEYS 5-   state of the project window of each API
--   ARGV 6-   units of this process in these windows
-- Reply: 0 or -1, epoch, now, then name and time of every process that charged within the window.
--
-- A member without heartbeats is either dead, or cannot reach Redis and spends the units it keeps.
-- No other process may spend these, so they are subtracted from the project's limit for a minute.
-- When no process could reach Redis, the minute begins when the first one reaches it again.

local FORGET_LOST = 60000
local epoch = birth()
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - KEEP)
if known ~= '' and known ~= epoch then return { -1, epoch, now } end
local b = redis.call('HMGET', KEYS[1], 'beat_at', 'back_at')
local back_at = tonumber(b[2]) or 0
if now - (tonumber(b[1]) or 0) > LOST then back_at = now end
redis.call('HSET', KEYS[1], 'beat_at', num(now), 'back_at', num(back_at))
local windows = #KEYS - 4
local beat = num(now)
for i = 1, windows do beat = beat .. ':' .. ARGV[5 + i] end
redis.call('HSET', KEYS[4], reporter, beat)
redis.call('PEXPIRE', KEYS[4], STATE_TTL)
local reserved = {}
for i = 1, windows do reserved[i] = 0 end
local members = redis.call('HGETALL', KEYS[4])
for i = 1, #members, 2 do
  local at = tonumber(string.match(members[i + 1], '^%d+'))
  if now - at > LOST then
    if now - math.max(at, back_at) > FORGET_LOST then redis.call('HDEL', KEYS[4], members[i])
    else
      local window = 0
      for units in string.gmatch(members[i + 1], ':(%d+)') do
        window = window + 1
        reserved[window] = reserved[window] + units
      end
    end
  end
end
for i = 1, windows do
  redis.call('HSET', KEYS[4 + i], 'reserved', num(reserved[i]))
  redis.call('PEXPIRE', KEYS[4 + i], STATE_TTL)
end
local reply = { 0, epoch, now }
for _, v in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES')) do reply[#reply + 1] = v end
return reply
