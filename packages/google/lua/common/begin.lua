-- The ledger of the quota governor: an exact sliding window. All processes use one clock (Redis
-- TIME), and Redis runs one script at a time.
--
-- This file is the beginning of every script of `quota/`. All of them take:
--   KEYS 1-3  birth, witnesses, missing
--   ARGV 1    the time in ms since 1970 (tests only; empty: Redis TIME)
--   ARGV 2    the server's run id
--   ARGV 3    the epoch that the process knows; empty when it knows none
--   ARGV 4    the epoch to use when a new one begins
--   ARGV 5    the process's name
-- A reply begins with a status and the epoch. Status -1: the process must report its usage first.
--
-- The loader defines SLOT, KEEP, HOLD and LOST above this text, because TypeScript uses them too
-- (src/quota-scripts.ts). All are in ms.

local STATE_TTL = 3700000 -- longer than the longest closure, one hour
local PACE_LEAST, PACE_SHRINK, PACE_REGROWTH_PER_MS = 25, 0.75, 10 / 60000
local now = tonumber(ARGV[1])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local run, known, candidate, reporter = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local slot = math.floor(now / SLOT) * SLOT
local function num(n) return string.format('%.0f', n) end
