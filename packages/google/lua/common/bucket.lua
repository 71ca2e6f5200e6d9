-- A bucket counts one API of one user, or of the project. It is a list of `slot:units`, oldest
-- first, and a hash with the running sum. Expired entries are removed from the head, so a charge
-- costs O(expired entries) and not O(window).
--
-- An entry counts for 60 s from the end of its slot, plus a margin. The margin covers the latency
-- to Google: two charges 60 s apart may arrive 59.9 s apart, and Google then refuses the second.
-- Calls that took longer than the margin are moved to the time of their answer (quota/move.lua).

local function parse(entry)
  local at, units = string.match(entry, '^(%d+):(%d+)$')
  return tonumber(at), tonumber(units)
end

-- Returns a bucket without its expired entries.
local function open(log, state)
  local s = redis.call(
    'HMGET', state,
    'sum', 'closed_until', 'live_at', 'onboarding_at', 'reserved', 'pace', 'pace_at', 'shared_at'
  )
  local b = {
    log = log,
    state = state,
    sum = tonumber(s[1]) or 0,
    closed = tonumber(s[2]) or 0,
    live_at = tonumber(s[3]) or 0,
    onboarding_at = tonumber(s[4]) or 0,
    reserved = tonumber(s[5]) or 0,
    shared_at = tonumber(s[8]),
  }
  b.pace = math.min(100, (tonumber(s[6]) or 100) + math.max(0, now - (tonumber(s[7]) or now)) * PACE_REGROWTH_PER_MS)
  while true do
    local head = redis.call('LINDEX', log, 0)
    if not head then b.sum = 0 break end
    local at, units = parse(head)
    if at + KEEP > now then break end
    redis.call('LPOP', log)
    b.sum = b.sum - units
  end
  return b
end

-- Returns the part of the limit that the bucket's pace allows: at least one call if one fits into
-- the limit, less the units that lost processes may be spending.
local function paced(b, limit, cost)
  return math.min(limit, math.max(cost, math.floor(limit * b.pace / 100))) - b.reserved
end

local function save(b)
  redis.call('HSET', b.state, 'sum', num(b.sum))
  redis.call('PEXPIRE', b.state, STATE_TTL)
  redis.call('PEXPIRE', b.log, KEEP + SLOT)
end

-- Adds units to the newest slot, even when the clock was set back to before it. The list stays in
-- order, and the units count longer rather than shorter. Returns the slot that was used.
local function add(b, units)
  local last = redis.call('LINDEX', b.log, -1)
  b.sum = b.sum + units
  if last then
    local at, before = parse(last)
    if at >= slot then
      redis.call('LSET', b.log, -1, num(at) .. ':' .. num(before + units))
      return at
    end
  end
  redis.call('RPUSH', b.log, num(slot) .. ':' .. num(units))
  return slot
end
