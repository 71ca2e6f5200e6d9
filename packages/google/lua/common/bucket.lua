-- A bucket: one API of one user, or of the project. A list of `slot:units`, oldest first, and a
-- hash with the running sum. What leaves the window is pruned from the head, so a charge costs
-- O(what expired), not O(window).
--
-- An entry counts for 60 s from the end of its slot, and a margin: a charge made at t reaches
-- Google at t and the time of the way there, so two charges 60 s apart may arrive 59.9 s apart, and
-- Google refuses. Calls that took longer than the margin covers are moved to the moment of their
-- answer (quota/move.lua).

local function parse(entry)
  local at, units = string.match(entry, '^(%d+):(%d+)$')
  return tonumber(at), tonumber(units)
end

-- A bucket with everything that left the window taken off.
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

-- What of the limit may be used at the bucket's pace: one call at least, if one fits at all, and
-- nothing of what lost processes may be spending.
local function paced(b, limit, cost)
  return math.min(limit, math.max(cost, math.floor(limit * b.pace / 100))) - b.reserved
end

local function save(b)
  redis.call('HSET', b.state, 'sum', num(b.sum))
  redis.call('PEXPIRE', b.state, STATE_TTL)
  redis.call('PEXPIRE', b.log, KEEP + SLOT)
end

-- Adds to the newest slot, also when the clock stepped back behind it: the list stays in order, and
-- the error is on the safe side. Returns the slot that was used.
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
