-- The governor's ledger: an exact sliding window. The whole fleet decides on one clock (Redis
-- TIME), in one place, one script at a time.
--
-- This is the beginning of every script of `quota/`. Common to all of them:
--   KEYS 1-3  birth, witnesses, missing
--   ARGV 1    the time in ms since 1970 (tests only; empty: Redis TIME)
--   ARGV 2    the server's run id
--   ARGV 3    the epoch that the process knows; empty when it knows none
--   ARGV 4    the epoch to use when a new one begins
--   ARGV 5    the process's name
-- A reply begins with a status, which is -1 when the process must report first, and the epoch.
--
-- SLOT, KEEP, HOLD and LOST are written above by the loader: TypeScript computes with them too
-- (src/quota-scripts.ts). All are ms.

local STATE_TTL = 3700000 -- outlives the longest closure, one hour
local PACE_LEAST, PACE_SHRINK, PACE_REGROWTH_PER_MS = 25, 0.75, 10 / 60000
local now = tonumber(ARGV[1])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local run, known, candidate, reporter = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local slot = math.floor(now / SLOT) * SLOT
local function num(n) return string.format('%.0f', n) end
